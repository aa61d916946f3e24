import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const minLength = 32;

/**
 * The secret that a file holds, readable by its owner only; made when there is no such file. Of two processes that
 * start at once, one makes it for both.
 *
 * @throws Error when the file holds fewer than 32 characters.
 */
export function keptSecret(path: string): string {
  if (!existsSync(path)) makeSecret(path);
  const kept = readFileSync(path, 'utf8').trim();
  if (kept.length >= minLength) return kept;
  throw new Error(`${path} holds fewer than ${minLength} characters; remove it to have a new one made`);
}

/** Linked into its place when it is whole. */
function makeSecret(path: string): void {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}
