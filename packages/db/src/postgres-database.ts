import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Database, Handle, Preparable, Query, Steps } from './database.ts';
import { isPostgresOutage, mayRunAgain } from './postgres-errors.ts';
import { postgresFaults } from './postgres-settings.ts';
import type { Values } from './prepared.ts';
import { tables } from './schema/pg.ts';

/** One connection of a pool, as `pg` has it. */
export interface PostgresClient {
  query(query: unknown, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives it back; with an error or true it is closed instead. */
  release(broken?: Error | boolean): void;
}

/** What of `pg.Pool` is needed. */
export interface PostgresPool {
  query(query: unknown, values?: unknown[]): Promise<{ rows: unknown[] }>;
  connect(): Promise<PostgresClient>;
  end(): Promise<void>;
}

const runsAtMost = 5;

/** The record on a Postgres whose schema is in place. */
export function postgresDatabase(pool: PostgresPool): Database {
  const handle = handleOf({ query: (...args) => again(() => pool.query(...args)) });
  const handles = new WeakMap<PostgresClient, Handle>();
  // A prepared statement belongs to its connection, and ends with it.
  const statements = new WeakMap<Handle, Map<string, Statement>>();

  function handleOn(client: PostgresClient): Handle {
    const known = handles.get(client) ?? handleOf(client);
    handles.set(client, known);
    return known;
  }

  async function inOneTransaction<Result>(steps: (handle: Handle) => Steps<Result>): Promise<Result> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const running = steps(handleOn(client));
      let step = running.next();
      while (!step.done) step = running.next(await step.value);
      await client.query('COMMIT');
      client.release();
      return step.value;
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
  }

  return {
    dialect: 'pg',
    tables,
    handle,
    // The same within a statement, and "stable", so that an index on the column it is compared with can serve.
    now: sql<number>`floor(extract(epoch from statement_timestamp()) * 1000)::bigint`.mapWith(Number),
    commit: (steps) => again(() => inOneTransaction(steps)),
    prepared: <Row>(db: Handle, name: string, build: () => Preparable<Row>, values: Values) => {
      const known = statements.get(db) ?? new Map<string, Statement>();
      statements.set(db, known);
      const statement = known.get(name) ?? (build().prepare(name) as Statement);
      known.set(name, statement);
      return statement.execute(values) as unknown as Query<Row>;
    },
    read: async <Row>(query: Query<Row>) => (await query) as unknown as Row[],
    isOutage: isPostgresOutage,
    settingFaults: () => postgresFaults(pool),
    forgetRemains: async () => {},
    close: () => pool.end(),
  };
}

/** What Drizzle prepares for Postgres. */
interface Statement {
  execute(values: Values): Promise<unknown[]>;
}

/** The builder over one thing that runs queries. The one cast: both dialects' builders have the same shape. */
function handleOf(client: Pick<PostgresClient, 'query'>): Handle {
  return drizzle({ client: client as never }) as unknown as Handle;
}

/** A connection that can no longer be trusted is closed; its server then rolls back by itself. */
async function rollBack(client: PostgresClient, cause: unknown): Promise<void> {
  if (isPostgresOutage(cause) && !mayRunAgain(cause)) {
    client.release(true);
    return;
  }
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}

/** Runs again what a deadlock undid, after a short wait of random length so that two do not meet anew. */
async function again<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let left = runsAtMost - 1; ; left -= 1) {
    try {
      return await run();
    } catch (error) {
      if (left === 0 || !mayRunAgain(error)) throw error;
      await delay(Math.random() * 20);
    }
  }
}
