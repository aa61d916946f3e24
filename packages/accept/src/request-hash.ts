import { hash } from 'node:crypto';
import type { SendInput } from '@tidings/contracts';
import stringify from 'safe-stable-stringify';

/**
 * SHA-256 over the parsed request without its key, keys sorted: two requests that mean the same have the
 * same hash, whatever the order of their fields.
 */
export function hashRequest(input: SendInput): string {
  const { idempotencyKey: _, ...request } = input;
  return hash('sha256', stringify(request), 'hex');
}
