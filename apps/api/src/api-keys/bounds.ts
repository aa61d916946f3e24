import { type ErrorDetail, type Scope, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { Principal } from '../principal.ts';

/**
 * A key that somebody makes can do no more than its maker, and a key's lives no longer than that key: otherwise
 * whoever gets hold of a weak or passing one could make it strong or lasting. One that was revoked has expired,
 * so it makes none while it is still believed.
 *
 * @throws TidingsError `forbidden`, with the place of what goes too far.
 */
export async function requireWithinBounds(
  store: Store,
  principal: Principal,
  wanted: { scopes: readonly Scope[]; expiresAt: number | null },
): Promise<void> {
  const errors: ErrorDetail[] = wanted.scopes.flatMap((scope, index) =>
    principal.scopes.includes(scope)
      ? []
      : [{ pointer: `/scopes/${index}`, detail: `is the scope "${scope}", which the caller lacks` }],
  );
  const end = await endOf(store, principal);
  if (end !== null && (wanted.expiresAt ?? Infinity) > end) {
    errors.push({ pointer: '/expiresAt', detail: 'is later than the end of the key that asks' });
  }
  if (errors.length > 0) throw new TidingsError('forbidden', { errors });
}

/** When the caller's own key ends, in milliseconds since the epoch; null for one without an end, and for an account. */
async function endOf(store: Store, principal: Principal): Promise<number | null> {
  if (principal.kind !== 'key') return null;
  const own = await store.getApiKey(principal.projectId, principal.id);
  return own?.expiresAt ?? null;
}
