import { and, eq, gte, inArray, isNotNull, lt, lte, or, type SQL } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import { maxUnanswered } from './claim.ts';
import { unlessInDoubt } from './doubt.ts';
import { isTold } from './events/happenings.ts';
import { recordHappenings } from './events/message-happenings.ts';

const cleared = { place: null, leaseToken: null, leaseOwner: null, leaseUntil: null };

/**
 * Ends those of the messages that must not be sent any more: canceled, expired, or, when a dead worker left
 * them in the middle of a send, `unknown: worker_lost`, for nobody knows whether they arrived. What waits in doubt
 * is unknown too. Answers the ids that ended; the rest is left as it is.
 */
export function endUnsendable(database: Database, ids: string[]): Promise<string[]> {
  const { messages, attempts } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const endWhere = (end: ReturnType<typeof unlessInDoubt>, ...conditions: Array<SQL | undefined>) =>
      rows(
        db
          .update(messages)
          .set({ ...cleared, ...end, endedAt: now })
          .where(and(inArray(messages.id, ids), ...conditions))
          .returning({ id: messages.id, at: messages.endedAt, isTold: isTold(database) }),
      );
    const isWaiting = inArray(messages.status, ['scheduled', 'queued', 'retrying']);
    const isCanceled = isNotNull(messages.cancelRequestedAt);
    const isExpired = lte(messages.expiresAt, now);
    const isAbandoned = and(eq(messages.status, 'sending'), lt(messages.leaseUntil, now));
    const mayNotBeTakenOver = or(
      eq(messages.onAmbiguous, 'hold'),
      isCanceled,
      isExpired,
      gte(messages.unanswered, maxUnanswered),
    );
    const canceled = yield* endWhere(
      unlessInDoubt(database, 'canceled', 'canceled_by_request'),
      isWaiting,
      isCanceled,
    );
    const expired = yield* endWhere(unlessInDoubt(database, 'expired', 'expired'), isWaiting, isExpired);
    const lost = yield* endWhere(
      unlessInDoubt(database, 'unknown', 'worker_lost'),
      isAbandoned,
      mayNotBeTakenOver,
    );
    const lostIds = lost.map(({ id }) => id);
    if (lostIds.length > 0) {
      yield* rows(
        db
          .update(attempts)
          .set({ outcome: 'lost', reason: 'worker_lost', finishedAt: lost[0]?.at ?? null })
          .where(and(inArray(attempts.messageId, lostIds), eq(attempts.outcome, 'started')))
          .returning({ number: attempts.number }),
      );
    }
    const moved = [...canceled, ...expired, ...lost];
    yield* recordHappenings(database, db, moved);
    return moved.map(({ id }) => id);
  });
}

/** Open messages whose time is over, oldest first: what `endUnsendable` should look at. */
export async function findExpired(database: Database, limit: number): Promise<string[]> {
  const { messages } = database.tables;
  const found = await database.handle
    .select({ id: messages.id })
    .from(messages)
    .where(and(isNotNull(messages.place), lte(messages.expiresAt, database.now)))
    .orderBy(messages.expiresAt)
    .limit(limit);
  return found.map(({ id }) => id);
}
