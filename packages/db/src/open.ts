import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from './database.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens the record that the configuration names: a `file:` URL, or `tidings.db` in the data directory. Makes the
 * data directory either way: key, lock and outbox are kept there.
 */
export function openDatabase(config: { DATABASE_URL?: string; DATA_DIR: string }): Database {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = config;
  mkdirSync(dataDir, { recursive: true });
  return openSqlite({ path: url === undefined ? join(dataDir, 'tidings.db') : pathOf(url) });
}

/** `file:///absolute` by the rules of URLs, `file:relative` as it stands. */
function pathOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}
