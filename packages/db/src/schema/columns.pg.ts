import { bigint, boolean, integer, jsonb, pgTable, text as pgText } from 'drizzle-orm/pg-core';

export { index, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core';

/** The column kit of Postgres; `columns.sqlite.ts` exports the same names. */
export const table = pgTable;
export const text = (name: string) => pgText(name);
export const int = (name: string) => integer(name);
export const bool = (name: string) => boolean(name);
export const json = (name: string) => jsonb(name);
/** Milliseconds since the Unix epoch: instants that both dialects can add to and compare in SQL. */
export const timestamp = (name: string) => bigint(name, { mode: 'number' });
