import { eq } from 'drizzle-orm';
import {
  type ClaimedCopy,
  type CopySettlement,
  type CopyVerdict,
  createStore,
  type Database,
  type Matches,
  type NewEvent,
  type SubscriptionRow,
} from './index.ts';

let made = 0;

/** An event, ready to be published; ids sort by the order they were made. */
export function newEvent(projectId: string, event: Partial<NewEvent> = {}): NewEvent {
  made += 1;
  return {
    id: `evt_${String(made).padStart(6, '0')}`,
    projectId,
    externalId: null,
    source: '',
    requestHash: null,
    origin: 'application',
    type: 'order.created',
    subject: null,
    data: { number: made },
    ...event,
  };
}

/** Stores a subscription that was made a second ago; answers its id. */
export async function addSubscription(
  { handle, tables }: Database,
  projectId: string,
  subscription: Partial<SubscriptionRow> = {},
): Promise<string> {
  made += 1;
  const id = `sub_${String(made).padStart(6, '0')}`;
  const createdAt = Date.now() - 1000;
  await handle
    .insert(tables.subscriptions)
    .values({
      id,
      projectId,
      name: id,
      kind: 'queue',
      types: ['order.*'],
      ofHappenings: false,
      settings: { kind: 'queue', ordered: false, maxFailures: 8 },
      status: 'active',
      createdAt,
      updatedAt: createdAt,
      ...subscription,
    })
    .returning();
  return id;
}

/** Changes what a subscription is. */
export async function changeSubscription(
  { handle, tables: { subscriptions } }: Database,
  id: string,
  change: Partial<SubscriptionRow>,
): Promise<void> {
  await handle
    .update(subscriptions)
    .set(change)
    .where(eq(subscriptions.id, id))
    .returning({ id: subscriptions.id });
}

export const delivered: CopyVerdict = { status: 'delivered' };
export const rejected: CopyVerdict = { status: 'failed', reason: 'rejected', countsFailure: true };

/** A failure that is tried again, at once unless said otherwise. */
export function retry(delayMs = 0, of: Partial<CopyVerdict & { status: 'retrying' }> = {}): CopyVerdict {
  return {
    status: 'retrying',
    reason: 'endpoint_failed',
    countsFailure: true,
    delayMs,
    park: false,
    ...of,
  };
}

/** What tests do with events of a project and their copies. */
export function copiesOf(database: Database, projectId: string) {
  const store = createStore(database);
  const { copies, copyAttempts, subscriptions } = database.tables;

  const subscribe = (subscription: Partial<SubscriptionRow> = {}) =>
    addSubscription(database, projectId, subscription);

  async function publish(count = 1, event: Partial<NewEvent> = {}): Promise<string[]> {
    const events = Array.from({ length: count }, () => newEvent(projectId, event));
    await store.publish(events);
    return events.map(({ id }) => id);
  }

  const fanOut = (
    options: { rooms?: Record<string, number>; matches?: Matches; limit?: number; after?: string } = {},
  ) => store.fanOut({ matches: () => true, ...options, rooms: new Map(Object.entries(options.rooms ?? {})) });

  /** Its copies, in the order of their events. */
  const rowsOf = async (subscriptionId: string) =>
    await database.handle
      .select()
      .from(copies)
      .where(eq(copies.subscriptionId, subscriptionId))
      .orderBy(copies.eventId);

  /** Copies of so many new events, in the order of those; they have a job, but where it is ordered. */
  async function queued(subscriptionId: string, count = 1): Promise<string[]> {
    const events = await publish(count);
    await fanOut({ rooms: { [subscriptionId]: count } });
    const all = await rowsOf(subscriptionId);
    return events.map((eventId) => all.find((row) => row.eventId === eventId)?.id ?? '');
  }

  async function row(id: string) {
    const [found] = await database.handle.select().from(copies).where(eq(copies.id, id));
    return found;
  }

  async function subscription(id: string) {
    const [found] = await database.handle.select().from(subscriptions).where(eq(subscriptions.id, id));
    return found;
  }

  const change = (id: string, changes: Partial<SubscriptionRow>) => changeSubscription(database, id, changes);

  /** Attempts of a copy, as `number outcome worker`. */
  async function attempts(copyId: string): Promise<string[]> {
    const found = await database.handle
      .select()
      .from(copyAttempts)
      .where(eq(copyAttempts.copyId, copyId))
      .orderBy(copyAttempts.number);
    return found.map(({ number, outcome, worker }) => `${number} ${outcome} ${worker}`);
  }

  /** Claims for a worker, which holds its leases under its own name. */
  const claim = (ids: string[], worker = 'ann', leaseMs = 60_000) =>
    store.claimCopies({ ids, token: worker, owner: worker, leaseMs });

  /** Claims for a worker that is never heard of again. */
  const lose = (ids: string[], worker: string): Promise<{ claimed: ClaimedCopy[] }> => claim(ids, worker, -1);

  const settle = async (copyId: string, verdict: CopyVerdict, worker = 'ann') =>
    (await store.settleCopies([settlement(copyId, verdict, worker)]))[0]?.status;

  const enter = (subscriptionId: string, limit = 10) =>
    store.enterCopyWindow({ subscriptionId, lookaheadMs: 0, limit });

  async function stateOf(subscriptionId: string) {
    const states = await store.copyStates({ lookaheadMs: 0 });
    return states.find((state) => state.subscriptionId === subscriptionId);
  }

  return {
    store,
    subscribe,
    publish,
    fanOut,
    rowsOf,
    queued,
    row,
    subscription,
    change,
    attempts,
    claim,
    lose,
    settle,
    enter,
    stateOf,
  };
}

export function settlement(copyId: string, verdict: CopyVerdict, worker: string): CopySettlement {
  const isDelivered = verdict.status === 'delivered';
  return {
    copyId,
    token: worker,
    worker,
    outcome: isDelivered ? 'delivered' : verdict.status === 'failed' ? 'rejected' : 'transient',
    reason: isDelivered ? null : verdict.reason,
    code: '200',
    response: 'answer',
    verdict,
  };
}
