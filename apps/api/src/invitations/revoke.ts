import { revokeInvitation, rolesManagedBy, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { requireAccount } from '../principal.ts';
import { viewInvitation } from './view.ts';

/** `invitations.revoke`. */
export const revoke = (store: Store) =>
  mutation(revokeInvitation, async ({ id }, context) => {
    const ofRoles = rolesManagedBy(requireAccount(context.principal).role);
    const revoked = await store.revokeInvitation(
      actorOf(context),
      { id, ofRoles },
      instanceChange('invitations.revoke', id),
    );
    if (revoked !== undefined) return viewInvitation(revoked);
    const found = await store.findInvitation(id);
    if (found !== undefined && !ofRoles.includes(found.role))
      throw new TidingsError('forbidden', { detail: 'Only an owner revokes an invitation to that role' });
    throw new TidingsError(found === undefined ? 'not_found' : 'invitation_not_found');
  });
