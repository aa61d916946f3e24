import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyRow, Store } from '@tidings/db';
import { type Principal, unauthorized } from '../principal.ts';

const pattern = /^tk_([0-9a-z]{8,32})_[0-9A-Za-z_-]{32,128}$/;
const keysAtMost = 10_000;

/**
 * SHA-256 of a key, in hexadecimal. A fast hash is enough for a random secret of 128 bits and more, and
 * keeps the check cheap.
 */
export function hashApiKey(key: string): string {
  return hash('sha256', key, 'hex');
}

/**
 * Checks API keys against their hashes. A key that was good is believed for `cacheMs`, so that a revoked one, or
 * one of an archived project, stops working within that time in every process, and one that expires on time.
 *
 * @throws TidingsError `unauthorized`, the same for a malformed, unknown, expired or revoked key.
 */
export function createKeyCheck(options: {
  store: Store;
  cacheMs?: number;
  /** Is told of every good key. */
  onUse?: (id: string) => void;
}): (key: string) => Promise<Principal> {
  const { store, cacheMs = 5000, onUse = () => {} } = options;
  const known = new Map<string, { principal: Principal; hash: string; until: number }>();

  return async (key) => {
    const [, id] = pattern.exec(key) ?? [];
    if (id === undefined) throw unauthorized();
    const keyHash = hashApiKey(key);
    const cached = known.get(id);
    if (cached !== undefined && cached.until > performance.now() && sameHash(cached.hash, keyHash)) {
      onUse(id);
      return cached.principal;
    }
    // From before the look into the record: what is revoked after that look is not believed any longer.
    const askedAt = performance.now();
    const row = await store.findApiKey(id);
    if (row === undefined || !sameHash(row.secretHash, keyHash)) throw unauthorized();
    const principal = principalOf(row);
    if (known.size >= keysAtMost) known.clear();
    const until = askedAt + Math.min(cacheMs, row.remainingMs ?? cacheMs);
    known.set(id, { principal, hash: keyHash, until });
    onUse(id);
    return principal;
  };
}

function principalOf(row: ApiKeyRow): Principal {
  return { kind: 'key', id: row.id, projectId: row.projectId, scopes: row.scopes };
}

function sameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
