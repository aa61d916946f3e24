import { createHmac, hash, randomBytes } from 'node:crypto';

/** A new random secret of 256 bits, in 43 characters that may stand in a URL or a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The secret that follows this one, of the same kind: known to whoever has the key, and random to anyone else. */
export function secretAfter(secret: string, key: Buffer): string {
  return createHmac('sha256', key).update(secret).digest('base64url');
}

/** SHA-256 in hexadecimal: enough for a secret that nobody can guess. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}
