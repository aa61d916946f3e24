import { revokeSession, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { requireAccount } from '../principal.ts';
import { viewSession } from './view.ts';

/** `sessions.revoke`: another account's session is as unknown as one that never was. */
export const revoke = (store: Store) =>
  mutation(revokeSession, async ({ id }, context) => {
    const { id: accountId, sessionId } = requireAccount(context.principal);
    const revoked = await store.revokeSession(
      actorOf(context),
      { id, accountId },
      instanceChange('sessions.revoke', id),
    );
    if (revoked === undefined) throw new TidingsError('not_found');
    return viewSession(revoked, sessionId);
  });
