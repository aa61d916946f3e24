import { asc, eq, getTableColumns, inArray } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import type { CopyRow, SubscriptionRow } from './copy-types.ts';

/** A copy and whose it is. */
export interface CopyOfSubscription extends CopyRow {
  /** The subscription's name. */
  subscription: string;
  kind: SubscriptionRow['kind'];
}

/** All copies of these events, in the order they were made. */
export async function copiesOf(database: Database, eventIds: string[]): Promise<CopyOfSubscription[]> {
  if (eventIds.length === 0) return [];
  const { copies, subscriptions } = database.tables;
  return database.handle
    .select({ ...getTableColumns(copies), subscription: subscriptions.name, kind: subscriptions.kind })
    .from(copies)
    .innerJoin(subscriptions, eq(subscriptions.id, copies.subscriptionId))
    .where(inArray(copies.eventId, eventIds))
    .orderBy(asc(copies.id));
}
