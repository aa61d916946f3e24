import type { Log } from '@tidings/runtime';
import type { PgPool } from 'bullmq';
import { keepCompleted, keepFailed } from './worker-options.ts';

/** Tables that change with each job, and the catalogs behind the temporary tables of BullMQ's `add_jobs_bulk`. */
const busyTables = [
  'job',
  'metrics',
  'rate_limit',
  'pg_catalog.pg_class',
  'pg_catalog.pg_attribute',
  'pg_catalog.pg_type',
  'pg_catalog.pg_index',
  'pg_catalog.pg_depend',
];

const trimEnded = `
  DELETE FROM job USING (
    SELECT queue, id, row_number() OVER (PARTITION BY queue ORDER BY finished_at_ms DESC, seq DESC) AS place
    FROM job WHERE state = $1
  ) AS ended
  WHERE job.queue = ended.queue AND job.id = ended.id AND job.state = $1
    AND (ended.place > $2 OR job.finished_at_ms < $3)`;

/**
 * Keeps BullMQ's tables in a PGlite from growing. Looks every `everyMs` and works when `minEvents` were
 * written since the last time, or when some were and it has become quiet.
 *
 * PGlite has neither autovacuum nor checkpointer. And BullMQ's own `removeOnComplete` reads through the jobs
 * it keeps each time one ends (for `count` always, for `age` as soon as Postgres has a generic plan), which
 * cost more than half of what a PGlite can do: here the surplus goes in one sweep instead.
 */
export function keepPgliteSmall(options: { pool: PgPool; log: Log; everyMs: number; minEvents?: number }): {
  stop(): void;
} {
  const { pool, log, everyMs, minEvents = 2000 } = options;
  let sweptAt = 0;
  let seenAt = 0;
  let running = false;

  async function sweep(): Promise<void> {
    const { rows } = await pool.query<{ events: number }>('SELECT last_value::int8 AS events FROM event_seq');
    const events = Number(rows[0]?.events ?? 0);
    const isQuiet = events === seenAt;
    seenAt = events;
    if (events === sweptAt || (events - sweptAt < minEvents && !isQuiet)) return;
    sweptAt = events;
    await pool.query(trimEnded, ['completed', ...limitsOf(keepCompleted)]);
    await pool.query(trimEnded, ['failed', ...limitsOf(keepFailed)]);
    // Nothing reads the events, and BullMQ's own trimming leaves their dead rows.
    await pool.query('TRUNCATE event');
    // One statement at a time, so that jobs run in between.
    for (const table of busyTables) await pool.query(`VACUUM ${table}`);
    // PGlite has no checkpointer either: without this each 16 MB of log stay in memory for ever.
    await pool.query('CHECKPOINT');
  }

  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    await sweep().catch((err) => log.warn({ err }, 'could not tidy the queue'));
    running = false;
  }, everyMs).unref();
  return { stop: () => clearInterval(timer) };
}

const limitsOf = (keep: { age: number; count: number }) => [keep.count, Date.now() - keep.age * 1000];
