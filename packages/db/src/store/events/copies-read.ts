import { asc, eq, getTableColumns, inArray } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import type { CopyRow, SubscriptionRow } from './copy-types.ts';

/** A copy, with what is to be known of its subscription, be it removed or not. */
export interface CopyOfSubscription {
  copy: CopyRow;
  subscription: Pick<SubscriptionRow, 'name' | 'kind'>;
}

/** The copies of these events, those of each event by their ids. */
export async function copiesOf(database: Database, eventIds: string[]): Promise<CopyOfSubscription[]> {
  if (eventIds.length === 0) return [];
  const { copies, subscriptions } = database.tables;
  return database.handle
    .select({
      copy: getTableColumns(copies),
      subscription: { name: subscriptions.name, kind: subscriptions.kind },
    })
    .from(copies)
    .innerJoin(subscriptions, eq(subscriptions.id, copies.subscriptionId))
    .where(inArray(copies.eventId, eventIds))
    .orderBy(asc(copies.id));
}
