import { resumeSubscription, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewSubscription } from './view.ts';

/** `subscriptions.resume`. */
export const resume = (store: Store) =>
  mutation(resumeSubscription, async ({ id }, context) => {
    const { projectId } = context.principal;
    const change = { id: newId('audit'), projectId, action: resumeSubscription.name, target: id };
    const resumed = await store.setSubscriptionStatus(
      projectId,
      { id, status: 'active' },
      { actor: actorOf(context), change },
    );
    if (resumed === undefined) throw new TidingsError('not_found');
    return viewSubscription(resumed);
  });
