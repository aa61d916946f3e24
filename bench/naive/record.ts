import Sqlite from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** One row per message, with its status. */
export const messages = sqliteTable('messages', {
  id: text('id').primaryKey(),
  status: text('status').notNull(),
  sentAt: integer('sent_at'),
});

/** What a job holds: everything that is needed to send. */
export interface NaiveJob {
  id: string;
  to: string;
  name: string;
  link: string;
}

export type NaiveRecord = BetterSQLite3Database;

/** As durable as the record of the product: WAL and FULL. */
export function openNaiveRecord(path: string): { record: NaiveRecord; sqlite: Sqlite.Database } {
  const sqlite = new Sqlite(path);
  sqlite.pragma('journal_mode = wal');
  sqlite.pragma('synchronous = 2');
  sqlite.exec(
    'create table if not exists messages (id text primary key, status text not null, sent_at integer)',
  );
  return { record: drizzle(sqlite), sqlite };
}
