import { waitingCopyStatuses } from '@tidings/contracts';
import { and, eq, inArray, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../database.ts';

/** It waits, or whoever had it let the lease run out. */
export function isFree({ tables: { copies }, now }: Database): SQL | undefined {
  return or(
    inArray(copies.status, waitingCopyStatuses),
    and(eq(copies.status, 'sending'), lt(copies.leaseUntil, now)),
  );
}

export function consumerOf({ tables: { copies, subscriptions } }: Database): SQL {
  return sql`select 1 from ${subscriptions} where ${subscriptions.id} = ${copies.subscriptionId}`;
}

export function takesCopies({ tables: { subscriptions }, now }: Database): SQL | undefined {
  return and(
    eq(subscriptions.status, 'active'),
    isNull(subscriptions.removedAt),
    or(isNull(subscriptions.heldUntil), lte(subscriptions.heldUntil, now)),
  );
}

/** Of an ordered subscription, no copy before it is open. */
export function isItsTurn({ tables: { copies } }: Database): SQL {
  return sql`(${copies.position} is null or not exists (
    select 1 from ${copies} as earlier
    where earlier.subscription_id = ${copies.subscriptionId} and earlier.position < ${copies.position}
      and earlier.position is not null and earlier.place is not null))`;
}
