import { type ErrorDetail, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';

/** Each event is held against every one of them. */
const subscriptionsAtMost = 200;

/** @throws TidingsError `too_many_subscriptions` where there is no room for one more. */
export async function refuseIfFull(store: Store, projectId: string): Promise<void> {
  if ((await store.listSubscriptions(projectId)).length < subscriptionsAtMost) return;
  throw new TidingsError('too_many_subscriptions', {
    detail: `A project has at most ${subscriptionsAtMost} consumers`,
  });
}

export function nameTaken(): TidingsError {
  return new TidingsError('subscription_name_taken', {
    errors: [{ pointer: '/name', detail: 'is the name of another consumer' }],
  });
}

/** @throws TidingsError `invalid_subscription` when there is anything to say. */
export function refuseIfAny(errors: ErrorDetail[]): void {
  if (errors.length > 0) throw new TidingsError('invalid_subscription', { errors });
}
