import type { SQL } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { Values } from './prepared.ts';
import type { Tables } from './schema/tables.ts';

/** The builder, narrowed to what both dialects have in common. */
export type Handle = Pick<
  BetterSQLite3Database<Record<string, never>>,
  'select' | 'insert' | 'update' | 'delete'
>;

/** A built statement that answers rows: at once in SQLite (`all`), as a promise in Postgres. */
export interface Query<Row> {
  all(): Row[];
}

/** The steps of one commit: yields statements (through `rows`), gets their rows, returns a result. */
export type Steps<Result> = Generator<Query<unknown>, Result, unknown>;

/** One step: runs the statement inside the commit and answers its rows. */
export function* rows<Row>(query: Query<Row>): Steps<Row[]> {
  return (yield query) as Row[];
}

/** A statement of the builder that can be prepared; both dialects' have this much in common. */
export interface Preparable<Row> extends Query<Row> {
  prepare(name?: string): unknown;
}

/**
 * A database of either dialect.
 *
 * Statements that must commit together are written as a generator of steps. A generator cannot await, so
 * better-sqlite3 runs it in one synchronous transaction, and Postgres awaits each step on one connection:
 * the same code, without the async transaction callback that better-sqlite3 would commit too early.
 */
export interface Database {
  readonly dialect: 'sqlite' | 'pg';
  readonly tables: Tables;
  readonly handle: Handle;
  /** The database's clock, in milliseconds since the epoch. Leases and due times use no other. */
  readonly now: SQL<number>;
  /**
   * Runs the steps in one transaction: all of them or none. They may run more than once, when Postgres undid
   * them because of a deadlock, so they must do nothing but build statements.
   */
  commit<Result>(steps: (handle: Handle) => Steps<Result>): Promise<Result>;
  /**
   * Builds and prepares a statement once for each connection, and binds it to these values. `name` names one text
   * of SQL; at most 60 characters.
   */
  prepared<Row>(db: Handle, name: string, build: () => Preparable<Row>, values: Values): Query<Row>;
  /** Runs a prepared statement that only reads, outside of any transaction. */
  read<Row>(query: Query<Row>): Promise<Row[]>;
  /** Does the error mean that the database is away or busy, rather than that the statement is wrong? */
  isOutage(error: unknown): boolean;
  /** Settings of the server that could lose what was accepted, a sentence for each; rejects while it is away. */
  settingFaults(): Promise<string[]>;
  /**
   * Clears away what files still hold of rows that were changed or deleted, as far as it can be done without
   * stopping anybody. On Postgres that is vacuum's to do.
   */
  forgetRemains(): Promise<void>;
  close(): Promise<void>;
}
