import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from './database.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens the record that the configuration names: a `postgres:` or `file:` URL, or `tidings.db` in the data
 * directory. Makes the data directory either way: key, lock and outbox are kept there.
 *
 * @throws DatabaseUnreachableError when a Postgres does not answer for half a minute.
 */
export async function openDatabase(
  config: { DATABASE_URL?: string; DATABASE_POOL_SIZE?: number; DATA_DIR: string },
  onError?: (error: Error) => void,
): Promise<Database> {
  const { DATABASE_URL: url, DATABASE_POOL_SIZE: poolSize, DATA_DIR: dataDir } = config;
  mkdirSync(dataDir, { recursive: true });
  if (url?.startsWith('postgres')) return openPostgres({ url, poolSize, onError });
  return openSqlite({ path: url === undefined ? join(dataDir, 'tidings.db') : pathOf(url) });
}

/** `file:///absolute` by the rules of URLs, `file:relative` as it stands. */
function pathOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}
