import { integer, sqliteTable, text as sqliteText } from 'drizzle-orm/sqlite-core';

export { index, primaryKey, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** The column kit of SQLite; `columns.pg.ts` exports the same names. */
export const table = sqliteTable;
export const text = (name: string) => sqliteText(name);
/** Text that is compared octet by octet, as SQLite does by itself. */
export const key = (name: string) => sqliteText(name);
export const int = (name: string) => integer(name);
export const bool = (name: string) => integer(name, { mode: 'boolean' });
export const json = (name: string) => sqliteText(name, { mode: 'json' });
/** Milliseconds since the Unix epoch: instants that both dialects can add to and compare in SQL. */
export const timestamp = (name: string) => integer(name);
