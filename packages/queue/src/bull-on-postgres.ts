import { queueNames } from '@tidings/contracts';
import type { Log } from '@tidings/runtime';
import {
  type BackendFactory,
  type PgPool,
  PostgresConnection,
  PostgresQueueBackend,
  runMigrations,
} from 'bullmq';
import { type BullQueues, createBullQueues } from './bull-queues.ts';
import type { QueueEngine } from './engine.ts';

/** Where BullMQ's tables are: a schema of our own, since `bullmq` may be another application's. */
export const queueSchema = 'tidings_queue';

/** What BullMQ's backend needs of a pool, and each statement of ours. */
export type Queryable = Pick<PgPool, 'query'>;

/**
 * Tables that change with each job. A queue that may be lost needs no write-ahead log: these are emptied by a
 * crash of the server, together with the sequence. Children first, since a logged table may not refer to
 * another. `meta` stays logged: it says which queues an operator has paused.
 */
const unloggedTables = ['job_log', 'job_dependency', 'job', 'event', 'metrics', 'rate_limit'];

/**
 * Brings BullMQ's schema up to date. Needs a session of its own; whoever has several processes calls it under
 * a lock.
 */
export async function migrate(session: Queryable): Promise<void> {
  await runMigrations(session, queueSchema);
  await session.query(`SET search_path TO ${queueSchema}`);
  const { rows } = await session.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND relpersistence = 'p'`,
    [queueSchema],
  );
  const logged = new Set(rows.map(({ name }) => name));
  for (const table of unloggedTables) {
    if (logged.has(table)) await session.query(`ALTER TABLE ${table} SET UNLOGGED`);
  }
}

/**
 * BullMQ over one pool for producers, one for workers and one for those of consumers, whose sessions have `queueSchema`
 * as search path.
 */
export function createBullOnPostgres(options: {
  log: Log;
  producers: PgPool;
  workers: PgPool;
  consumers: PgPool;
}): Pick<QueueEngine, 'sequence' | 'ping'> & BullQueues {
  const { log, producers, workers, consumers } = options;
  const queues = createBullQueues({
    log,
    forQueues: { connection: producers },
    // What has ended is removed by a sweep: BullMQ reads through all kept jobs each time one ends.
    forWorkers: { connection: workers, removeOnComplete: keepAll, removeOnFail: keepAll },
    backend: createBackend(consumers) as unknown as BackendFactory,
  });
  return {
    ...queues,
    sequence: createSequence(producers),
    ping: async () => {
      await producers.query('SELECT 1');
    },
  };
}

/** For BullMQ a negative count means no limit. */
const keepAll = { count: -1 };

/**
 * BullMQ's backend without its own look at the schema: it remembers a first try that failed for ever, while
 * our pools migrate when the server is there. The LISTEN connection of a channel's worker bears the name of its
 * queue, by which BullMQ finds the workers of a queue; that of consumers is shared, and has none.
 */
function createBackend(consumers: PgPool): BackendFactory<PostgresQueueBackend, PgPool> {
  const ofChannels: readonly string[] = queueNames;
  return (name, opts, { withBlockingConnection = false } = {}) => {
    const isShared = withBlockingConnection && !ofChannels.includes(name);
    const connection = Object.assign(new PostgresConnection(isShared ? consumers : opts.connection), {
      waitUntilReady: async () => {},
    });
    const listensAs = withBlockingConnection && !isShared ? name : undefined;
    return new PostgresQueueBackend(connection, name, opts, true, listensAs);
  };
}

/**
 * The sequence is the `seq` of a row in BullMQ's table of jobs, in a queue that cannot exist (BullMQ allows no
 * colon in names). So nothing empties that table and leaves it: neither TRUNCATE, nor DELETE, nor DROP
 * SCHEMA, nor a crash, nor an older backup.
 */
function createSequence(db: Queryable): QueueEngine['sequence'] {
  const row = "queue = 'tidings:sequence' AND id = 'sequence'";
  const upsert = (change: string) => `
    INSERT INTO job (queue, id, seq, name, state, added_at_ms)
    VALUES ('tidings:sequence', 'sequence', $1, 'sequence', 'completed', 0)
    ON CONFLICT (queue, id) DO UPDATE SET seq = ${change} RETURNING seq`;
  // Postgres answers a bigint as text.
  const firstSeq = (rows: { seq: string }[]) => Number(rows[0]?.seq ?? 0);
  return {
    read: async () => firstSeq((await db.query(`SELECT seq FROM job WHERE ${row}`)).rows),
    raise: async () => firstSeq((await db.query(upsert('job.seq + 1'), [1])).rows),
    set: async (value) => {
      await db.query(upsert('excluded.seq'), [value]);
    },
  };
}
