import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '@tidings/runtime';
import type { PgPool, PgPoolClient, PgQueryResult } from 'bullmq';
import pg from 'pg';
import { queueSchema } from './bull-on-postgres.ts';
import { isConnectionLost, isContention, isSchemaGone } from './postgres-errors.ts';
import { createSharedListener } from './shared-listener.ts';

const common = {
  application_name: 'tidings-queue',
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  // The server gives up what we no longer wait for.
  statement_timeout: 15_000,
};

/** Of a producer: a statement that hangs keeps its connection for five seconds at most. */
const failingFast = { ...common, max: 4, connectionTimeoutMillis: 1500, query_timeout: 5000 };
const producerDeadlineMs = 2000;

/** Of a worker: fifteen seconds of silence are a dead peer. */
const patient = { ...common, max: 8, connectionTimeoutMillis: 3000, query_timeout: 15_000 };
const reconnectMs = 500;

/** A queue that may be lost has no flush to disk to wait for. */
const sessionSettings = `SET search_path TO ${queueSchema}; SET synchronous_commit TO off`;

/** Tries of a statement that others' work has undone. */
const maxTries = 6;

/** What the engine does with its server. */
export interface PostgresPools {
  /** Its statements reject within about two seconds while the server does not answer. */
  producers: PgPool;
  /** Its statements, and `connect`, wait for a server that is away. */
  workers: PgPool;
  /** The same, with one connection for all that listen: there may be hundreds, and a server has a hundred. */
  consumers: PgPool;
  /** Runs `work` in one session, of which nothing is left behind when it fails. */
  inSession<T>(work: (session: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Ends what is idle or waiting at once. Comes back within `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

/**
 * The connections of one engine, opened when they are needed. `migrate` runs in a session of its own before
 * the first statement, again as long as it fails, and again when the schema has been dropped.
 */
export function openPostgresPools(options: {
  url: string;
  migrate: (session: pg.Client) => Promise<void>;
  report: (error: Error) => void;
}): PostgresPools {
  const { url, migrate, report } = options;
  let migrating: Promise<void> | undefined;
  let closing = false;
  const listeners = new Set<pg.Client>();

  function open(profile: pg.PoolConfig): pg.Pool {
    // Not by start-up options, which an `options` in the URL would replace.
    const onConnect = (client: pg.ClientBase) => client.query(sessionSettings);
    const pool = new pg.Pool({ ...profile, connectionString: url, onConnect });
    pool.on('error', report);
    // The pool listens to idle clients only: one in use that loses its server must not end the process.
    pool.on('connect', (client) => client.on('error', report));
    return pool;
  }
  const fast = open(failingFast);
  const slow = open(patient);

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...patient, connectionString: url });
    client.on('error', report);
    await client.connect();
    return client;
  }

  function migrated(): Promise<void> {
    migrating ??= (async () => {
      const session = await connect();
      await migrate(session).finally(() => session.end());
    })().catch((cause) => {
      migrating = undefined;
      throw new Error('the schema of the queue is not ready', { cause });
    });
    return migrating;
  }

  async function run(pool: pg.Pool, text: string, params?: readonly unknown[]): Promise<PgQueryResult> {
    for (let tries = 1; ; tries += 1) {
      await migrated();
      try {
        return await pool.query(text, params && [...params]);
      } catch (error) {
        if (tries === maxTries) throw error;
        if (isSchemaGone(error)) migrating = undefined;
        // Each statement is a transaction of its own, and the server has undone it.
        else if (isContention(error)) await delay(Math.random() * 20 * 2 ** tries);
        else throw error;
      }
    }
  }

  async function runInTime(text: string, params?: readonly unknown[]): Promise<PgQueryResult> {
    const result = run(fast, text, params);
    if (await withDeadline(result, producerDeadlineMs)) return result;
    throw new Error(`Postgres did not answer within ${producerDeadlineMs} ms`);
  }

  /**
   * Tries until the server is there, whether or not the lost try had its effect: BullMQ does the same with
   * Redis, whose replies are lost just so, and refuses to end a job twice.
   */
  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (closing || !isConnectionLost(error)) throw error;
        if (error instanceof Error) report(error);
        await delay(reconnectMs * (0.5 + Math.random() / 2));
      }
    }
  }

  /** A connection for LISTEN. When it breaks, BullMQ hears its 'error' and asks for another. */
  async function openListener(): Promise<PgPoolClient> {
    const client = await connect();
    listeners.add(client);
    const release = () => {
      listeners.delete(client);
      // BullMQ has removed all listeners, and ending a broken connection may still complain.
      client.on('error', report);
      client.end().catch(report);
    };
    return Object.assign(client, { release }) as unknown as PgPoolClient;
  }

  const runPatiently: PgPool['query'] = (text, params) => patiently(() => run(slow, text, params));
  const listenPatiently = () => patiently(openListener);

  return {
    producers: asBullPool(runInTime, openListener),
    workers: asBullPool(runPatiently, listenPatiently),
    consumers: asBullPool(runPatiently, createSharedListener(listenPatiently)),
    inSession: async (work) => {
      await migrated();
      const session = await slow.connect();
      let failure: unknown = new Error('unfinished');
      try {
        const result = await work(session);
        failure = undefined;
        return result;
      } finally {
        session.release(failure !== undefined);
      }
    },
    close: async (deadlineMs) => {
      closing = true;
      const ends = [...listeners].map((client) => client.end());
      await withDeadline(Promise.all([...ends, fast.end(), slow.end()]), deadlineMs);
    },
  };
}

/** BullMQ listens to its pool's errors and never stops; ours are reported already. */
function asBullPool(
  query: (text: string, params?: readonly unknown[]) => Promise<PgQueryResult>,
  connect: () => Promise<PgPoolClient>,
): PgPool {
  const pool = { query, connect, end: async () => {}, on: () => pool, removeAllListeners: () => pool };
  return pool as PgPool;
}
