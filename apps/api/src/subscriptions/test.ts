import { TidingsError, testSubscription } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** `subscriptions.test`. */
export const test = (store: Store) =>
  mutation(testSubscription, async ({ id, data }, context) => {
    const { projectId } = context.principal;
    const found = await store.getSubscription(projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    if (found.kind === 'notify') throw new TidingsError('not_testable');
    const [eventId, copyId] = [newId('event'), newId('copy')];
    const change = { id: newId('audit'), projectId, action: testSubscription.name, target: id };
    const isMade = await store.makeTestCopy(
      projectId,
      { subscriptionId: id, eventId, copyId, data: { ...data, subscription: found.name } },
      { actor: actorOf(context), change },
    );
    if (!isMade) throw new TidingsError('not_found');
    return { eventId, copyId };
  });
