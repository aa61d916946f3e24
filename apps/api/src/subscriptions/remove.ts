import { removeSubscription, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `subscriptions.remove`. */
export const remove = (store: Store) =>
  mutation(removeSubscription, async ({ id }, context) => {
    const { projectId } = context.principal;
    const change = { id: newId('audit'), projectId, action: removeSubscription.name, target: id };
    const isRemoved = await store.removeSubscription(projectId, id, { actor: actorOf(context), change });
    if (!isRemoved) throw new TidingsError('not_found');
    return { id };
  });
