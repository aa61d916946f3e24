import { rolesManagedBy, TidingsError, updateAccount } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { actorOf, instanceChange, mutation } from '../operations.ts';
import { requireAccount } from '../principal.ts';
import { viewAccount } from './view.ts';

/** `accounts.update`. */
export const update = (store: Store) =>
  mutation(updateAccount, async ({ id, ...changes }, context) => {
    const ofRoles = rolesManagedBy(requireAccount(context.principal).role);
    if (changes.role !== undefined && !ofRoles.includes(changes.role)) throw onlyOwners();
    const updated = await store.updateAccount(
      actorOf(context),
      { id, changes, ofRoles },
      instanceChange('accounts.update', id, Object.keys(changes)),
    );
    if (updated !== undefined) return viewAccount(updated);
    const found = await store.findAccount(id);
    if (found === undefined) throw new TidingsError('not_found');
    if (!ofRoles.includes(found.role)) throw onlyOwners();
    throw new TidingsError('last_owner');
  });

function onlyOwners(): TidingsError {
  return new TidingsError('forbidden', { detail: 'Only an owner makes or changes owners and admins' });
}
