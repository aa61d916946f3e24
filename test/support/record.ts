import { join } from 'node:path';
import { type Database, openPostgres, openSqlite } from '@tidings/db';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { enginesOf } from './engines.ts';

/** A record that a test can lock against everybody, and that soon gives up waiting for a lock. */
export interface TestRecord {
  database: Database;
  /** Locks it from another connection; answers how to give it back. */
  lockRecord(): Promise<() => Promise<void>>;
  /** Does what no operation of the store does: lets time pass, or watches. */
  query(text: string): Promise<unknown[]>;
}

/** The record of a data directory, on the dialect that the suites run on. */
export async function openRecord(dataDir: string): Promise<TestRecord> {
  const { DATABASE_URL: url } = await enginesOf(dataDir);
  if (url) return openOnPostgres(url);
  const path = join(dataDir, 'tidings.db');
  const database = openSqlite({ path });
  const { $client } = database.handle as unknown as { $client: Sqlite.Database };
  $client.pragma('busy_timeout = 50');
  return {
    database,
    lockRecord: async () => {
      const other = new Sqlite(path);
      other.exec('BEGIN EXCLUSIVE');
      return async () => void other.close();
    },
    query: async (text) => {
      const statement = $client.prepare(text);
      return statement.reader ? statement.all() : [statement.run()];
    },
  };
}

async function openOnPostgres(url: string): Promise<TestRecord> {
  const database = await openPostgres({ url, statementMs: 500 });
  return {
    database,
    lockRecord: async () => {
      const other = new pg.Client({ connectionString: url });
      await other.connect();
      const { rows } = await other.query<{ name: string }>(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
      );
      // As far as SQLite's lock goes: nobody else writes.
      const tables = rows.map(({ name }) => `"${name}"`).join(', ');
      await other.query(`BEGIN; LOCK TABLE ${tables} IN EXCLUSIVE MODE`);
      return () => other.end();
    },
    query: async (text) => {
      const other = new pg.Client({ connectionString: url });
      await other.connect();
      const result = await other.query(text).finally(() => other.end());
      return result.rows;
    },
  };
}
