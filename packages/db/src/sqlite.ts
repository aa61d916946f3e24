import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import type { Database, Query, Steps } from './database.ts';
import { holdLock } from './lock.ts';
import type { Values } from './prepared.ts';
import { tables } from './schema/sqlite.ts';

const migrationsFolder = fileURLToPath(new URL('../migrations/sqlite', import.meta.url));

/**
 * The settings that P1 stands on, and that what is erased is overwritten with zeros, from the first row on: a row
 * leaves copies behind wherever it is changed. They are read back: SQLite ignores a pragma it does not understand.
 */
const pragmas = {
  journal_mode: 'wal',
  synchronous: 2,
  busy_timeout: 5000,
  foreign_keys: 1,
  secure_delete: 1,
} as const;

/**
 * Opens (and creates) the record in a SQLite file and brings its schema up to date under a lock, so that
 * several processes may start at once.
 *
 * @throws Error when the file cannot be opened or a setting that durability stands on did not take.
 */
export function openSqlite(options: { path: string }): Database {
  const { path } = options;
  mkdirSync(dirname(path), { recursive: true });
  const sqlite = new Sqlite(path);
  for (const [name, value] of Object.entries(pragmas)) {
    sqlite.pragma(`${name} = ${value}`);
    const actual = sqlite.pragma(name, { simple: true });
    if (actual !== value) throw new Error(`SQLite refused ${name} = ${value} (it is ${actual}): ${path}`);
  }
  const db = drizzle(sqlite);
  const statements = new Map<string, Statement>();
  const lock = holdLock({ path: `${path}.migrating`, waitMs: 60_000 });
  try {
    migrate(db, { migrationsFolder });
  } finally {
    lock.release();
  }
  return {
    dialect: 'sqlite',
    tables,
    handle: db,
    now: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`.mapWith(Number),
    commit: async (steps) => runSteps(sqlite, steps(db)),
    prepared: (_db, name, build, values) => {
      const statement = statements.get(name) ?? (build().prepare() as Statement);
      statements.set(name, statement);
      return { all: () => statement.all(values) as never };
    },
    read: async (query) => query.all(),
    isOutage: (error) => /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY)/.test(sqliteCode(error)),
    // Those that matter were read back above.
    settingFaults: async () => [],
    // Older frames of the log hold what pages were before. Busy only says that somebody reads them: the next one does it.
    forgetRemains: async () => void sqlite.pragma('wal_checkpoint(TRUNCATE)'),
    close: async () => void sqlite.close(),
  };
}

/** What Drizzle prepares for SQLite. */
interface Statement {
  all(values: Values): unknown[];
}

/** IMMEDIATE takes the write lock at once: a later upgrade could fail as busy without waiting. */
function runSteps<Result>(sqlite: Sqlite.Database, steps: Steps<Result>): Result {
  return sqlite
    .transaction(() => {
      let step = steps.next();
      while (!step.done) step = steps.next((step.value as Query<unknown>).all());
      return step.value;
    })
    .immediate();
}

function sqliteCode(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return code ?? cause?.code ?? '';
}
