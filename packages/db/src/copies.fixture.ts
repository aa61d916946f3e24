import { eq } from 'drizzle-orm';
import type { Database, NewEvent, SubscriptionRow } from './index.ts';

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
  const ago = Date.now() - 1000;
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
      createdAt: ago,
      updatedAt: ago,
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
  await handle.update(subscriptions).set(change).where(eq(subscriptions.id, id)).returning();
}
