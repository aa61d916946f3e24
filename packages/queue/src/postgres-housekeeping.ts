import { queueNames } from '@tidings/contracts';
import { type Log, type Repeating, repeat } from '@tidings/runtime';
import type { Queryable } from './bull-on-postgres.ts';
import { keepCompleted, keepFailed, queueDefaults } from './worker-options.ts';

/** Rows in a statement: none holds many locks, or its connection, for long. */
const batch = 500;

const surplus = `
  SELECT id FROM job WHERE queue = $1 AND state = $2::job_state
  ORDER BY finished_at_ms DESC, seq DESC OFFSET $3 LIMIT $4`;

const outdated = `
  SELECT id FROM job WHERE queue = $1 AND state = $2::job_state AND finished_at_ms < $3
  ORDER BY finished_at_ms LIMIT $4`;

const remove = (which: string) =>
  `DELETE FROM job WHERE queue = $1 AND id IN (${which}) AND state = $2::job_state`;

const trimEvents = `
  DELETE FROM event WHERE queue = $1 AND id IN (
    SELECT id FROM event WHERE queue = $1 AND id <= (SELECT last_value FROM event_seq) - $2 ORDER BY id LIMIT $3)`;

/**
 * Removes ended jobs and old events every `everyMs`, in small steps, by one process at a time: which one
 * holds the advisory lock. What they leave is for autovacuum.
 */
export function keepPostgresSmall(options: {
  inSession: <T>(work: (session: Queryable) => Promise<T>) => Promise<T>;
  log: Log;
  everyMs: number;
}): Repeating {
  const { inSession, log, everyMs } = options;

  async function sweep(session: Queryable): Promise<void> {
    const lock = "hashtext('tidings:queue:tidy')";
    const { rows } = await session.query<{ ours: boolean }>(`SELECT pg_try_advisory_lock(${lock}) AS ours`);
    if (!rows[0]?.ours) return;
    await trimEnded(session);
    for (const queue of queueNames) {
      await inBatches(session, trimEvents, [queue, queueDefaults.streams.events.maxLen]);
    }
    await session.query(`SELECT pg_advisory_unlock(${lock})`);
  }

  return repeat({
    round: async () => {
      await inSession(sweep);
      return everyMs;
    },
    onError: (err) => log.debug({ err }, 'could not tidy the queue'),
    retryMs: everyMs,
  });
}

/** Removes ended jobs beyond the number and age that are kept. */
async function trimEnded(db: Queryable): Promise<void> {
  const kept = { completed: keepCompleted, failed: keepFailed };
  for (const queue of queueNames) {
    for (const [state, { count, age }] of Object.entries(kept)) {
      await inBatches(db, remove(surplus), [queue, state, count]);
      await inBatches(db, remove(outdated), [queue, state, Date.now() - age * 1000]);
    }
  }
}

/** Runs a statement, whose last parameter is the size of a batch, until nothing is left for it. */
async function inBatches(db: Queryable, statement: string, params: unknown[]): Promise<void> {
  while ((await db.query(statement, [...params, batch])).rowCount === batch);
}
