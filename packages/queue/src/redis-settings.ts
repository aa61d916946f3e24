import type { Redis } from 'ioredis';

/** What a Redis must be set to, by its own words in INFO, which managed servers answer too (CONFIG they refuse). */
const needed = [
  {
    field: 'maxmemory_policy',
    value: 'noeviction',
    fault: (found: string) =>
      `Redis may evict jobs when its memory is full (maxmemory-policy is ${found}): set "maxmemory-policy noeviction".`,
  },
  {
    field: 'aof_enabled',
    value: '1',
    fault: () =>
      'Redis forgets all jobs when it restarts (appendonly is no): set "appendonly yes", with "appendfsync everysec".',
  },
];

/**
 * What in the settings of a Redis could lose jobs: one sentence for each fault, which also says how to mend it.
 * What the server does not tell counts as no fault. Rejects when it does not answer.
 */
export async function redisFaults(redis: Redis): Promise<string[]> {
  const [memory, persistence] = await Promise.all([redis.info('memory'), redis.info('persistence')]);
  const found = fieldsOf(memory + persistence);
  return needed.flatMap(({ field, value, fault }) => {
    const is = found.get(field);
    return is === undefined || is === value ? [] : [fault(is)];
  });
}

/** INFO is lines of `name:value` that end in CRLF, and headings that begin with #. */
function fieldsOf(info: string): Map<string, string> {
  const lines = info.split('\r\n').filter((line) => /^\w+:/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
