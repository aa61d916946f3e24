import { hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from '@tidings/runtime';

/** The first is used; what was made with any other is still taken. */
export type Secrets<Secret = string> = readonly [Secret, ...Secret[]];

const minLength = 32;

/** The file of a generated secret in the data directory. */
export const jwtSecretFile = 'jwt-secret';

/**
 * What tokens are signed with (the first) and may still be signed with (the others): the secrets given, or else
 * one that is generated once and kept in `DATA_DIR/jwt-secret`, readable by its owner only. Processes that share
 * neither the directory nor a given secret do not take each other's tokens.
 *
 * @throws ConfigError when the file holds no secret.
 */
export function findJwtSecrets(
  config: Pick<Config, 'DATA_DIR' | 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS'>,
): Secrets {
  const { DATA_DIR: dataDir, JWT_SECRET: given, JWT_SECRET_PREVIOUS: previous } = config;
  const first = given ?? ownSecret(join(dataDir, jwtSecretFile));
  return previous === undefined ? [first] : [first, previous];
}

/** A key for this purpose from each of the secrets (HKDF, RFC 5869): what is made with it says nothing of them. */
export function keysFrom([first, ...others]: Secrets, purpose: string): Secrets<Buffer> {
  const keyFrom = (secret: string) => Buffer.from(hkdfSync('sha256', secret, '', `tidings ${purpose}`, 32));
  return [keyFrom(first), ...others.map(keyFrom)];
}

function ownSecret(path: string): string {
  if (!existsSync(path)) makeSecret(path);
  const kept = readFileSync(path, 'utf8').trim();
  if (kept.length >= minLength) return kept;
  throw new ConfigError([
    `JWT_SECRET: ${path} holds fewer than ${minLength} characters; remove it to have a new one made`,
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
