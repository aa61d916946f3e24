import { removeProvider, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `providers.remove`. */
export const remove = (store: Store) =>
  mutation(removeProvider, async ({ id }, context) => {
    const { projectId } = context.principal;
    const change = { id: newId('audit'), projectId, action: removeProvider.name, target: id };
    const result = await store.removeProvider(projectId, id, { actor: actorOf(context), change });
    if (result === undefined) throw new TidingsError('not_found');
    if (result === 'in_use') throw new TidingsError('provider_in_use');
    return { id };
  });
