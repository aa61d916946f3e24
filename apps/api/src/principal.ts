import { hash, timingSafeEqual } from 'node:crypto';
import { type Scope, TidingsError } from '@tidings/contracts';
import type { ApiKeyRow, Store } from '@tidings/db';

/** Who calls: a program with an API key of a project. */
export interface Principal {
  keyId: string;
  projectId: string;
  scopes: readonly Scope[];
}

/** Finds out who calls from the `Authorization` header. */
export type Authenticate = (authorization: string | null | undefined) => Promise<Principal>;

const bearer = /^Bearer (tk_([0-9a-z]{8,32})_[0-9A-Za-z_-]{32,128})$/i;
const keysAtMost = 10_000;

/**
 * SHA-256 of a key, in hexadecimal. A fast hash is enough for a random secret of 128 bits and more, and
 * keeps the check cheap.
 */
export function hashApiKey(key: string): string {
  return hash('sha256', key, 'hex');
}

/**
 * Checks API keys against their hashes. A key that was good is believed for `cacheMs`, so that a revoked one
 * stops working within that time in every process.
 *
 * @throws TidingsError `unauthorized`, the same for a missing, malformed, unknown, expired or revoked key.
 */
export function createAuthenticate(options: { store: Store; cacheMs?: number }): Authenticate {
  const { store, cacheMs = 5000 } = options;
  const known = new Map<string, { principal: Principal; hash: string; until: number }>();

  return async (authorization) => {
    const [, key, id] = bearer.exec(authorization ?? '') ?? [];
    if (key === undefined || id === undefined) throw unauthorized();
    const keyHash = hashApiKey(key);
    const cached = known.get(id);
    if (cached !== undefined && cached.until > performance.now() && sameHash(cached.hash, keyHash)) {
      return cached.principal;
    }
    const row = await store.findApiKey(id);
    if (row === undefined || !sameHash(row.secretHash, keyHash)) throw unauthorized();
    const principal = principalOf(row);
    if (known.size >= keysAtMost) known.clear();
    known.set(id, { principal, hash: keyHash, until: performance.now() + cacheMs });
    return principal;
  };
}

/** @throws TidingsError `forbidden` naming the scope that is missing. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.includes(scope)) return;
  throw new TidingsError('forbidden', { detail: `The API key lacks the scope "${scope}"` });
}

function principalOf(row: ApiKeyRow): Principal {
  return { keyId: row.id, projectId: row.projectId, scopes: row.scopes };
}

function sameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function unauthorized(): TidingsError {
  return new TidingsError('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
}
