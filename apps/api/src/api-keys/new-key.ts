import { randomBytes } from 'node:crypto';
import { newId } from '@tidings/runtime';
import { hashApiKey } from '../auth/api-keys.ts';

/** A new random key, and what of it is kept. The secret has 256 bits. */
export function newKey(): { key: string; id: string; secretHash: string } {
  const id = newId('apiKey').split('_')[1] ?? '';
  const key = `tk_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, id, secretHash: hashApiKey(key) };
}
