import { and, eq, inArray, isNotNull, lt, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { maxUnanswered } from '../claim.ts';
import { consumerOf, isFree, isItsTurn, takesCopies } from './claimable-copies.ts';
import type { RefusedCopy } from './copy-types.ts';
import { ended } from './end-copies.ts';
import { recordLost } from './lost-attempts.ts';

/** What becomes of those that were not taken; answers them as they stand then. */
export function* refuse(database: Database, db: Handle, ids: string[]): Steps<RefusedCopy[]> {
  if (ids.length === 0) return [];
  const { copies, subscriptions } = database.tables;
  const { now } = database;
  const theirs = inArray(copies.id, ids);
  const removed = yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'skipped', reason: 'subscription_removed', endedAt: now })
      .where(
        and(
          theirs,
          isFree(database),
          sql`exists (${consumerOf(database)} and ${isNotNull(subscriptions.removedAt)})`,
        ),
      )
      .returning({ id: copies.id }),
  );
  yield* endAbandoned(database, db, ids);
  if (removed.length < ids.length) {
    yield* rows(
      db
        .update(copies)
        .set({ place: 'store', generation: sql`${copies.generation} + 1` })
        .where(
          and(
            theirs,
            eq(copies.place, 'queue'),
            isFree(database),
            or(
              sql`not exists (${consumerOf(database)} and ${takesCopies(database)})`,
              sql`not ${isItsTurn(database)}`,
            ),
          ),
        )
        .returning({ id: copies.id }),
    );
  }
  return yield* rows(db.select({ copy: copies, now }).from(copies).where(theirs));
}

/** What was claimed too often without an outcome ends, and the last attempt is lost. */
function* endAbandoned(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { copies } = database.tables;
  const isAbandoned = and(
    inArray(copies.id, ids),
    eq(copies.status, 'sending'),
    lt(copies.leaseUntil, database.now),
    sql`${copies.unanswered} >= ${maxUnanswered}`,
  );
  const last = yield* rows(
    db
      .select({
        id: copies.id,
        attempt: copies.attempt,
        generation: copies.generation,
        leaseOwner: copies.leaseOwner,
        claimedAt: copies.claimedAt,
      })
      .from(copies)
      .where(isAbandoned),
  );
  if (last.length === 0) return;
  const over = yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'failed', reason: 'worker_lost', endedAt: database.now })
      .where(isAbandoned)
      .returning({ id: copies.id, endedAt: copies.endedAt }),
  );
  const ids_ = new Set(over.map(({ id }) => id));
  yield* recordLost(
    database,
    db,
    last.filter(({ id }) => ids_.has(id)),
    over[0]?.endedAt ?? 0,
  );
}
