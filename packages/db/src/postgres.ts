import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import type { Database } from './database.ts';
import { type PostgresClient, postgresDatabase } from './postgres-database.ts';
import { isPostgresOutage } from './postgres-errors.ts';

const migrationsFolder = fileURLToPath(new URL('../migrations/pg', import.meta.url));

/** Any number does, as long as every version of Tidings takes the same. */
const migrationLock = 7_143_464;

/** The server did not answer in time, or does not let us in. Its message names host and port, never the password. */
export class DatabaseUnreachableError extends Error {
  constructor(url: string, what: string, cause: unknown) {
    const { message = '', code = '' } = cause as { message?: string; code?: string };
    super(`Postgres at ${hostOf(url)} ${what}: ${message || code}`, { cause });
    this.name = 'DatabaseUnreachableError';
  }
}

/** Wrong user or password (28), no such database (3D): no waiting helps. */
const refusals = /^(28|3D)/;

/** Times in milliseconds. */
export interface PostgresOptions {
  url: string;
  /** Connections at most. Whoever finds none free waits `connectMs`. */
  poolSize?: number;
  /** For a connection to be had, free or new. */
  connectMs?: number;
  /** For a statement, by the server's clock. A second later we give up on the server. */
  statementMs?: number;
  /** For the server to be there at all, at the start. */
  waitMs?: number;
  /** Told of connections that break while nobody uses them; they are replaced. */
  onError?: (error: Error) => void;
}

/**
 * Opens the record on a Postgres and brings its schema up to date under a lock, so that several processes may
 * start at once. Waits for a server that is still starting.
 *
 * @throws DatabaseUnreachableError when it is not there in time, or does not let us in.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, poolSize = 10, connectMs = 5000, statementMs = 5000, waitMs = 30_000 } = options;
  await migrateSurely({ url, connectMs, waitMs });
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'tidings',
    max: poolSize,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    // A server that stands still answers nothing, not even that the time is over.
    query_timeout: statementMs + 1000,
    keepAlive: true,
  });
  pool.on('error', (error) => options.onError?.(error));
  // A connection that breaks while it is lent out tells its borrower by a failed query, and says so here too.
  pool.on('connect', (client) => client.on('error', () => {}));
  return postgresDatabase(pool);
}

/** Applies what migrations are missing, on a connection that holds the schema's lock. */
export async function migratePostgres(client: Pick<PostgresClient, 'query'>): Promise<void> {
  await client.query(`SELECT pg_advisory_lock(${migrationLock})`);
  try {
    await migrate(drizzle({ client: client as never }), { migrationsFolder });
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${migrationLock})`);
  }
}

async function migrateSurely(options: { url: string; connectMs: number; waitMs: number }): Promise<void> {
  const { url, connectMs, waitMs } = options;
  const giveUp = performance.now() + waitMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectMs });
    client.on('error', () => {});
    try {
      await client.connect();
      await migratePostgres(client);
      return;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (refusals.test(String(code))) throw new DatabaseUnreachableError(url, 'does not let us in', error);
      if (!isPostgresOutage(error)) throw error;
      if (performance.now() > giveUp) {
        throw new DatabaseUnreachableError(url, `was not there for ${waitMs / 1000} s`, error);
      }
      await delay(250);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function hostOf(url: string): string {
  return URL.parse(url)?.host || 'an unreadable address';
}
