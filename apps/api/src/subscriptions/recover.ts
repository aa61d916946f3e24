import { recoverSubscription, TidingsError } from '@tidings/contracts';
import type { RecoverableEvent, Store, SubscriptionRow } from '@tidings/db';
import { matches } from '@tidings/events';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';

/** Events whose data is held against a filter before others have their turn. */
const eventsAtOnce = 20;

/**
 * `subscriptions.recover`. What matches is asked of the types and filter as they are now; what they cannot say of an
 * event is passed over, as what was delivered or still is on its way.
 */
export const recover = (store: Store) =>
  mutation(recoverSubscription, async ({ id, since, until, limit, after }, context) => {
    const { projectId } = context.principal;
    const subscription = await store.getSubscription(projectId, id);
    if (subscription === undefined) throw new TidingsError('not_found');
    const found = await store.recoverableEvents(projectId, {
      subscriptionId: id,
      since: Date.parse(since),
      until: until === undefined ? Date.now() + clockDifferenceMs : Date.parse(until),
      limit,
      ...(after !== undefined && { after }),
    });
    const page = found.slice(0, limit);
    const lost = page.filter(({ copy }) => copy === null || copy.status === 'failed');
    const meant = await matching(store, subscription, lost);
    const recorded = () => ({
      actor: actorOf(context),
      change: { id: newId('audit'), projectId, action: recoverSubscription.name, target: id },
    });
    const failed = meant.flatMap(({ copy }) => (copy === null ? [] : [copy.id]));
    const resent = failed.length === 0 ? [] : await store.resendCopies(projectId, failed, recorded());
    const eventIds = meant.flatMap((event) => (event.copy === null ? [event.id] : []));
    const made =
      eventIds.length === 0
        ? []
        : await store.makeCopies(projectId, { subscriptionId: id, eventIds }, recorded());
    const more = found.length > limit;
    return {
      made: made.length,
      resent: resent.length,
      more,
      after: more ? (page.at(-1)?.id ?? null) : null,
    };
  });

/** The database's clock may be ahead of ours. */
const clockDifferenceMs = 60_000;

/** Those of the events that are for the subscription. */
async function matching(
  store: Store,
  subscription: SubscriptionRow,
  events: RecoverableEvent[],
): Promise<RecoverableEvent[]> {
  const typed = { ...subscription, filter: null };
  const named = events.filter((event) => matches(typed, { ...event, data: {} }) === true);
  if (subscription.filter === null) return named;
  const meant: RecoverableEvent[] = [];
  for (let at = 0; at < named.length; at += eventsAtOnce) {
    const some = named.slice(at, at + eventsAtOnce);
    const data = await store.dataOfEvents(some.map(({ id }) => id));
    meant.push(
      ...some.filter((event) => matches(subscription, { ...event, data: data.get(event.id) ?? {} }) === true),
    );
  }
  return meant;
}
