import { pauseSubscription, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewSubscription } from './view.ts';

/** `subscriptions.pause`. One that was disabled stays so: nothing is handed over to it either. */
export const pause = (store: Store) =>
  mutation(pauseSubscription, async ({ id }, context) => {
    const { projectId } = context.principal;
    const change = { id: newId('audit'), projectId, action: pauseSubscription.name, target: id };
    const paused = await store.setSubscriptionStatus(
      projectId,
      { id, status: 'paused' },
      { actor: actorOf(context), change },
    );
    if (paused === undefined) throw new TidingsError('not_found');
    return viewSubscription(paused);
  });
