import * as columns from './columns.sqlite.ts';
import { defineTables } from './tables.ts';

/** The tables of SQLite. drizzle-kit reads the named exports. */
export const tables = defineTables(columns);
export const {
  projects,
  apiKeys,
  recipients,
  devices,
  templates,
  notifications,
  messages,
  attempts,
  replays,
  sequences,
} = tables;
