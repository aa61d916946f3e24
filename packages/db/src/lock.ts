import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';

/** A lock that the kernel drops with its process, however that ends. */
export interface Lock {
  release(): void;
}

/** Somebody else holds the lock. `holder` is what they wrote about themselves. */
export class LockHeldError extends Error {
  readonly holder: string;
  constructor(path: string, holder: string) {
    super(`${path} is held by ${holder || 'another process'}`);
    this.name = 'LockHeldError';
    this.holder = holder;
  }
}

/**
 * Takes a lock by holding an exclusive SQLite transaction on a file of its own: a POSIX lock, so a killed
 * holder leaves none behind and no pid has to be guessed at. `waitMs` bounds the wait; `about` is left in
 * `<path>.holder` for whoever comes second.
 *
 * @throws LockHeldError when the time is over.
 */
export function holdLock(options: { path: string; waitMs?: number; about?: string }): Lock {
  const { path, waitMs = 0, about } = options;
  mkdirSync(dirname(path), { recursive: true });
  const file = new Sqlite(path, { timeout: waitMs });
  try {
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if ((error as { code?: string }).code === 'SQLITE_BUSY') throw new LockHeldError(path, holderOf(path));
    throw error;
  }
  if (about !== undefined) writeFileSync(`${path}.holder`, about);
  return { release: () => file.close() };
}

function holderOf(path: string): string {
  try {
    return readFileSync(`${path}.holder`, 'utf8');
  } catch {
    return '';
  }
}
