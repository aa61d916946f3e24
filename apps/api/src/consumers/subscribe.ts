import { type QueueSettings, subscribeConsumer } from '@tidings/contracts';
import type { Store, SubscriptionRow } from '@tidings/db';
import { checkFilter, namesHappenings } from '@tidings/events';
import { newId } from '@tidings/runtime';
import type { z } from 'zod';
import { actorOf, type Context, mutation } from '../operations.ts';
import { nameTaken, refuseIfAny, refuseIfFull } from '../subscriptions/refusals.ts';
import { viewSubscription } from '../subscriptions/view.ts';

type Wanted = z.output<typeof subscribeConsumer.input>;

/**
 * `consumers.subscribe`. What a program does at each start: only what differs is changed and on record, and of several
 * that start at once each finds what another has made. Whether it is ordered stays, as for every subscription.
 */
export const subscribe = (store: Store) =>
  mutation(subscribeConsumer, async (wanted, context) => {
    const { name, filter } = wanted;
    const { projectId } = context.principal;
    refuseIfAny(filter === null ? [] : checkFilter(filter));
    const known = await store.findConsumer(projectId, name);
    const made = known === undefined ? await create(store, wanted, context) : undefined;
    const found = made ?? known ?? (await store.findConsumer(projectId, name));
    // Made and removed by others, all since this request began.
    if (found === undefined) throw nameTaken();
    return viewSubscription(made ?? (await bringUp(store, found, wanted, context)));
  });

/** Undefined when somebody else was faster. */
async function create(store: Store, wanted: Wanted, context: Context): Promise<SubscriptionRow | undefined> {
  const { projectId } = context.principal;
  const { name, types, filter, ordered } = wanted;
  await refuseIfFull(store, projectId);
  const id = newId('subscription');
  const ofHappenings = namesHappenings(types);
  const settings = settingsOf(wanted);
  return store.createSubscription(
    projectId,
    { id, name, kind: 'queue', types, filter, ofHappenings, ordered, settings, sealed: null },
    recorded(context, id),
  );
}

/** The subscription as it is wanted. */
async function bringUp(
  store: Store,
  found: SubscriptionRow,
  wanted: Wanted,
  context: Context,
): Promise<SubscriptionRow> {
  const { id, ordered, settings } = found;
  const { types, filter, maxFailures } = wanted;
  if (settings.kind !== 'queue') throw nameTaken();
  refuseIfAny(ordered === wanted.ordered ? [] : [{ pointer: '/ordered', detail: `must stay ${ordered}` }]);
  const changes = {
    ...(!isEqual(types, found.types) && { types, ofHappenings: namesHappenings(types) }),
    ...(filter !== found.filter && { filter }),
    ...(maxFailures !== settings.maxFailures && { settings: settingsOf(wanted) }),
  };
  const fields = Object.keys(changes).filter((field) => field !== 'ofHappenings');
  if (fields.length === 0) return found;
  const { projectId } = context.principal;
  const changed = await store.updateSubscription(
    projectId,
    { id, ...changes },
    recorded(context, id, fields),
  );
  if (changed === undefined || changed === 'taken') throw nameTaken();
  return changed;
}

function settingsOf({ ordered, maxFailures }: Wanted): QueueSettings {
  return { kind: 'queue', ordered, maxFailures };
}

function recorded(context: Context, target: string, fields?: string[]) {
  const { projectId } = context.principal;
  const change = { id: newId('audit'), projectId, action: subscribeConsumer.name, target };
  return { actor: actorOf(context), change: { ...change, ...(fields !== undefined && { fields }) } };
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
