import { removeCategory, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `categories.remove`. */
export const remove = (store: Store) =>
  mutation(removeCategory, async ({ key }, context) => {
    const { projectId } = context.principal;
    const removed = await store.removeCategory(actorOf(context), { projectId, key, auditId: newId('audit') });
    if (!removed) throw new TidingsError('not_found');
    return { key };
  });
