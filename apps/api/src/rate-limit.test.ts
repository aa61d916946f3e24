import { hash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';
import { redisAvailable, startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
import { until } from '../../../test/support/until.ts';

type Call = TestApi['call'];
const ask = (call: Call) => call('GET', '/v1/projects/default');
const times = (count: number, call: Call) => Array.from({ length: count }, () => ask(call));

const left = ({ headers }: Awaited<ReturnType<Call>>) => Number(headers.get('ratelimit-remaining'));

/** How many requests one of them counts, when it is asked once after the other was asked ten times. */
async function counted(one: Call, other: Call): Promise<number> {
  const before = left(await ask(one));
  await Promise.all(times(10, other));
  return before - left(await ask(one));
}

describe.skipIf(!redisAvailable)('with a Redis', () => {
  let redis: TestRedis;
  let tested: TestApi;
  let beside: Call;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    tested = await openTestApi({ env: { REDIS_URL: redis.url, API_RATE_LIMIT: '1000' } });
    beside = tested.openBeside();
    await untilTogether();
  });
  afterEach(() => tested.close());

  const untilTogether = () =>
    until(
      () => counted(tested.call, beside),
      (count) => count === 11,
    );

  test('all processes count together: a key has its limit once, not once in each', async () => {
    const limited = await openTestApi({ env: { REDIS_URL: redis.url, API_RATE_LIMIT: '30' } });
    const other = limited.openBeside();
    await until(
      () => counted(limited.call, other),
      (count) => count === 11,
    );
    // A new second, so that both together have thirty.
    await until(
      () => ask(other),
      ({ headers }) => headers.get('ratelimit-remaining') === '29',
    );
    const answers = await Promise.all([...times(29, limited.call), ...times(29, other)]);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.headers.get('ratelimit-remaining')).toBe('0');
    await limited.close();
  });

  test('what is kept there are counts by the id of a key, and no part of its secret', async () => {
    await ask(tested.call);
    const kept = await redis.everything();
    const [, id = '', secret = ''] = /^tk_([^_]+)_(.+)$/.exec(tested.key) ?? [];
    expect(kept).toContain(id);
    expect(kept).not.toContain(secret);
  });

  test('who tries to log in, and from where, is not to be read there, nor found by hashing what is known', async () => {
    const env = { REDIS_URL: redis.url, TRUST_PROXY: '1', JWT_SECRET: 'of these tests'.repeat(3) };
    const proxied = await openTestApi({ env });
    const [email, address] = ['ada@example.com', '203.0.113.9'];
    await until(
      async () => {
        const from = { authorization: '', 'x-forwarded-for': address };
        await proxied.call('POST', '/v1/auth/login', { email, password: 'a wrong one' }, from);
        return redis.everything();
      },
      (kept) => kept.includes('login-email') && kept.includes('login-address'),
    );
    const kept = await redis.everything();
    for (const known of [email, address]) {
      expect(kept).not.toContain(known);
      expect(kept).not.toContain(hash('sha256', known, 'hex').slice(0, 32));
    }
    await proxied.close();
  });

  test('while it is away each process goes on with the limit for itself, and counts with the others when it is back', async () => {
    await redis.kill();
    const answers = await Promise.all([...times(10, tested.call), ...times(10, beside)]);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(answers[0]?.headers.get('ratelimit-limit')).toBe('1000');
    await until(
      () => counted(tested.call, beside),
      (count) => count === 1,
    );
    await redis.restart();
    await untilTogether();
  });

  // Two hundred that each waited for it would take forty seconds.
  test('one that answers nothing holds up nobody for long', { timeout: 30_000 }, async () => {
    redis.freeze();
    for (let count = 0; count < 200; count += 1) expect((await ask(tested.call)).status).toBe(200);
    redis.thaw();
    await untilTogether();
  });
});

test('a bulk request is one request, however many items it has', async () => {
  const limited = await openTestApi({ env: { API_RATE_LIMIT: '100' } });
  const content = { email: { subject: 's', text: 't' } };
  const items = Array.from({ length: 50 }, () => ({ to: { email: 'a@example.com' }, content }));
  const answer = await limited.call('POST', '/v1/notifications/bulk', { items });
  expect(answer.headers.get('ratelimit-remaining')).toBe('99');
  await limited.close();
});
