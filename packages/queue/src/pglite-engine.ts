import { PGlite } from '@electric-sql/pglite';
import type { Log } from '@tidings/runtime';
import {
  type BackendFactory,
  createPostgresBackend,
  DEFAULT_SCHEMA,
  type PgPool,
  runMigrations,
} from 'bullmq';
import { createBullQueues } from './bull-queues.ts';
import type { QueueEngine } from './engine.ts';
import { keepPgliteSmall } from './pglite-housekeeping.ts';
import { pglitePool } from './pglite-pool.ts';

/**
 * BullMQ on a Postgres inside this process, in memory: nothing to install, slower than Redis, empty after a
 * restart. Its sequence is a variable, since it is lost at the same moment as the jobs.
 */
export async function createPgliteEngine(options: { log: Log; tidyEveryMs?: number }): Promise<QueueEngine> {
  const { log, tidyEveryMs = 5000 } = options;
  const db = await PGlite.create();
  const pool = pglitePool(db);
  await migrate(pool);
  const housekeeping = keepPgliteSmall({ pool, log, everyMs: tidyEveryMs });
  const queues = createBullQueues({
    log,
    forQueues: { connection: pool },
    forWorkers: {
      connection: pool,
      removeOnComplete: keepAll,
      removeOnFail: keepAll,
    },
    backend: createPostgresBackend as unknown as BackendFactory,
  });
  let sequence = 0;

  return {
    description: 'queue: PGlite in this process (install redis-server, or set REDIS_URL, for more speed)',
    queue: queues.queue,
    worker: queues.worker,
    sequence: {
      read: async () => sequence,
      raise: async () => {
        sequence += 1;
        return sequence;
      },
      set: async (value) => {
        sequence = value;
      },
    },
    ping: async () => {
      await pool.query('SELECT 1');
    },
    close: async () => {
      housekeeping.stop();
      await queues.close();
      await db.close();
    },
  };
}

/** The housekeeping removes what has ended; for BullMQ a negative count means no limit. */
const keepAll = { count: -1 };

/** In memory a write-ahead log is only weight: children first, since a logged table may not refer to another. */
const unlogged = ['job_log', 'job_dependency', 'job', 'event', 'meta', 'metrics', 'rate_limit'];

async function migrate(pool: PgPool): Promise<void> {
  const client = await pool.connect();
  await runMigrations(client);
  // With a pool of ours BullMQ leaves it to us to choose its schema.
  await client.query(`SET search_path TO ${DEFAULT_SCHEMA}`);
  for (const table of unlogged) await client.query(`ALTER TABLE ${table} SET UNLOGGED`);
  client.release();
}
