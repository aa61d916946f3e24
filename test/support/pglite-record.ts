import { PGlite } from '@electric-sql/pglite';
import type { Database } from '@tidings/db';
import { migratePostgres } from '../../packages/db/src/postgres.ts';
import {
  type PostgresClient,
  type PostgresPool,
  postgresDatabase,
} from '../../packages/db/src/postgres-database.ts';

/** What the `pg` driver of Drizzle hands to a connection. */
interface Statement {
  text: string;
  rowMode?: 'array';
}

/**
 * The Postgres record on a PGlite in this process, which is slow to start: one for each test file. `onStatement` is
 * told of what the record runs, `query` runs something beside it.
 */
export async function openPgliteRecord(
  options: { onStatement?: (text: string, values: unknown[]) => void } = {},
): Promise<{
  database: Database;
  empty(): Promise<void>;
  query(text: string, values?: unknown[]): Promise<Array<Record<string, unknown>>>;
}> {
  const db = await PGlite.create();
  const pool = poolOver(db, options.onStatement);
  await migratePostgres(pool);
  return {
    database: postgresDatabase(pool),
    empty: () => emptyTables(pool),
    query: async (text, values) => (await db.query<Record<string, unknown>>(text, values)).rows,
  };
}

/** Removes every row of our tables, which is quicker than making them anew. */
export async function emptyTables(pool: Pick<PostgresPool, 'query'>): Promise<void> {
  const { rows } = await pool.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
  const names = (rows as Array<{ tablename: string }>).map(({ tablename }) => `"${tablename}"`);
  await pool.query(`TRUNCATE ${names.join(', ')} CASCADE`);
}

/** A pool of one: PGlite has a single session, so whoever has it keeps the others waiting. */
function poolOver(
  db: PGlite,
  onStatement: (text: string, values: unknown[]) => void = () => {},
): PostgresPool {
  let last: Promise<void> = Promise.resolve();

  async function run(query: unknown, values?: unknown[]) {
    const { text, rowMode } = typeof query === 'string' ? { text: query } : (query as Statement);
    onStatement(text, values ?? []);
    const { rows } = await db.query(text, values, { rowMode });
    return { rows };
  }
  async function connect(): Promise<PostgresClient> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return { query: run, release: () => resolve() };
  }
  return {
    connect,
    query: async (query, values) => {
      const client = await connect();
      return client.query(query, values).finally(() => client.release());
    },
    end: () => db.close(),
  };
}
