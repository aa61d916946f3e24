import { removeSuppression, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `suppressions.remove`. */
export const remove = (store: Store) =>
  mutation(removeSuppression, async ({ id }, context) => {
    const { projectId } = context.principal;
    const removed = await store.removeSuppression(projectId, id, {
      actor: actorOf(context),
      change: { id: newId('audit'), projectId, action: removeSuppression.name, target: id },
    });
    if (!removed) throw new TidingsError('not_found');
    return { id };
  });
