import { and, eq, inArray } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { isFree } from './claimable-copies.ts';

/** What an end takes from a copy, besides its status. */
export const ended = {
  place: null,
  leaseToken: null,
  leaseOwner: null,
  leaseUntil: null,
  unanswered: 0,
} as const;

/**
 * Steps of a commit: open copies of a subscription that was removed end, at most `limit` of them. What is being handed
 * over ends when it comes back.
 */
export function* endRemoved(
  database: Database,
  db: Handle,
  { subscriptionId, limit }: { subscriptionId: string; limit: number },
): Steps<void> {
  const { copies } = database.tables;
  const { now } = database;
  const isOurs = isFree(database);
  const next = db
    .select({ id: copies.id })
    .from(copies)
    .where(and(inArray(copies.place, ['store', 'queue']), eq(copies.subscriptionId, subscriptionId), isOurs))
    .limit(limit);
  yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'skipped', reason: 'subscription_removed', endedAt: now })
      .where(and(inArray(copies.id, next), isOurs))
      .returning({ id: copies.id }),
  );
}
