import { removeTemplatePart, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `templateParts.remove`. */
export const remove = (store: Store) =>
  mutation(removeTemplatePart, async ({ kind, key }, context) => {
    const { projectId } = context.principal;
    const change = {
      id: newId('audit'),
      projectId,
      action: removeTemplatePart.name,
      target: `${kind}/${key}`,
    };
    const gone = await store.deleteTemplatePart(
      projectId,
      { kind, key },
      { actor: actorOf(context), change },
    );
    if (!gone) throw new TidingsError('not_found');
    return { kind, key };
  });
