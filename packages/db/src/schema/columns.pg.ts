import {
  bigint,
  boolean,
  customType,
  integer,
  json as pgJson,
  pgTable,
  text as pgText,
} from 'drizzle-orm/pg-core';

export { index, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core';

/** The column kit of Postgres; `columns.sqlite.ts` exports the same names. */
export const table = pgTable;
export const text = (name: string) => pgText(name);
/** Text that is compared octet by octet, so that an index serves ranges of it whatever the database's locale. */
export const key = customType<{ data: string }>({ dataType: () => 'text collate "C"' });
export const int = (name: string) => integer(name);
export const bool = (name: string) => boolean(name);
/** Not jsonb: nothing is looked up inside, it is cheaper to write, and the order of members stays as it was. */
export const json = (name: string) => pgJson(name);
/** Milliseconds since the Unix epoch: instants that both dialects can add to and compare in SQL. */
export const timestamp = (name: string) => bigint(name, { mode: 'number' });
