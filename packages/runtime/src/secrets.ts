import { hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config.ts';

/** The first is used; what was made with any other is still taken. */
export type Secrets<Secret = string> = readonly [Secret, ...Secret[]];

const minLength = 32;

/**
 * The secrets of an environment: those given, or else one that is generated once and kept in a file of the data
 * directory, readable by its owner only. Processes that share neither the directory nor a given secret have others.
 *
 * @param options.name the variable, for errors
 * @throws ConfigError when the file holds no secret.
 */
export function findSecrets(options: {
  dataDir: string;
  file: string;
  name: string;
  given?: string;
  previous?: string;
}): Secrets {
  const { dataDir, file, name, given, previous } = options;
  const first = given ?? keptSecret(join(dataDir, file), name);
  return previous === undefined ? [first] : [first, previous];
}

/** A key for this purpose from each of the secrets (HKDF, RFC 5869): what is made with it says nothing of them. */
export function keysFrom([first, ...others]: Secrets, purpose: string): Secrets<Buffer> {
  const keyFrom = (secret: string) => Buffer.from(hkdfSync('sha256', secret, '', `tidings ${purpose}`, 32));
  return [keyFrom(first), ...others.map(keyFrom)];
}

function keptSecret(path: string, name: string): string {
  if (!existsSync(path)) makeSecret(path);
  const kept = readFileSync(path, 'utf8').trim();
  if (kept.length >= minLength) return kept;
  throw new ConfigError([
    `${name}: ${path} holds fewer than ${minLength} characters; remove it to have a new one made`,
  ]);
}

/** Linked into its place when it is whole: of two processes that start at once, one makes it for both. */
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
