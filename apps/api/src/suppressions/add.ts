import { addSuppression } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { newEntries } from './new-entries.ts';
import { viewSuppression } from './view.ts';

/** `suppressions.add`. */
export const add = (store: Store) =>
  mutation(addSuppression, async (input, context) => {
    const { projectId } = context.principal;
    const [entry] = await store.addSuppressions(projectId, [input], {
      ...newEntries(),
      actor: actorOf(context),
      change: {
        id: newId('audit'),
        projectId,
        action: addSuppression.name,
        target: projectId,
        fields: Object.keys(input),
      },
    });
    if (entry === undefined) throw new Error('an address was added without an entry');
    return viewSuppression(entry);
  });
