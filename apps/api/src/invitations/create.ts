import { createInvitation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { hashSecret, newSecret } from '../auth/secrets.ts';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { requireAccount, unlessRefused } from '../principal.ts';
import { viewInvitation } from './view.ts';

const lifetimeMs = 7 * 86_400_000;

/**
 * `invitations.create`: good for seven days, in the place of an earlier one. Its secret is answered here and stored
 * nowhere.
 */
export const create = (store: Store) =>
  mutation(createInvitation, async ({ email, role }, context) => {
    const id = newId('invitation');
    const secret = newSecret();
    const made = unlessRefused(
      await store.createInvitation(
        actorOf(context),
        {
          id,
          email: email.toLowerCase(),
          role,
          secretHash: hashSecret(secret),
          invitedBy: requireAccount(context.principal).id,
          lifetimeMs,
        },
        {
          made: instanceChange('invitations.create', id, ['email', 'role']),
          ended: (earlier) => instanceChange('invitations.revoke', earlier),
        },
      ),
      'Only an owner invites owners and admins, or ends such an invitation',
    );
    if (made === undefined) throw new TidingsError('account_exists');
    return { ...viewInvitation(made), token: `${id}_${secret}` };
  });
