import { TidingsError, updateAccount } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { unlessRefused } from '../principal.ts';
import { viewAccount } from './view.ts';

/** `accounts.update`. */
export const update = (store: Store) =>
  mutation(updateAccount, async ({ id, ...changes }, context) => {
    const updated = unlessRefused(
      await store.updateAccount(
        actorOf(context),
        { id, changes },
        instanceChange('accounts.update', id, Object.keys(changes)),
      ),
      'Only an owner makes or changes owners and admins',
    );
    if (updated !== undefined) return viewAccount(updated);
    const found = await store.findAccount(id);
    if (found === undefined) throw new TidingsError('not_found');
    throw new TidingsError('last_owner');
  });
