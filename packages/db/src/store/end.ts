import { and, eq, gte, inArray, isNotNull, lt, lte, or } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import { maxUnanswered } from './claim.ts';

const waiting = ['scheduled', 'queued', 'retrying'] as const;
const cleared = { place: null, leaseToken: null, leaseOwner: null, leaseUntil: null };

/**
 * Ends those of the messages that must not be sent any more: canceled, expired, or, when a dead worker left
 * them in the middle of a send, `unknown: worker_lost`, for nobody knows whether they arrived. Answers the
 * ids that ended; the rest is left as it is.
 */
export function endUnsendable(database: Database, ids: string[]): Promise<string[]> {
  const { messages, attempts } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const canceled = yield* rows(
      db
        .update(messages)
        .set({ ...cleared, status: 'canceled', reason: 'canceled_by_request', endedAt: now })
        .where(
          and(
            inArray(messages.id, ids),
            inArray(messages.status, [...waiting]),
            isNotNull(messages.cancelRequestedAt),
          ),
        )
        .returning({ id: messages.id }),
    );
    const expired = yield* rows(
      db
        .update(messages)
        .set({ ...cleared, status: 'expired', reason: 'expired', endedAt: now })
        .where(
          and(
            inArray(messages.id, ids),
            inArray(messages.status, [...waiting]),
            lte(messages.expiresAt, now),
          ),
        )
        .returning({ id: messages.id }),
    );
    const lost = yield* rows(
      db
        .update(messages)
        .set({ ...cleared, status: 'unknown', reason: 'worker_lost', endedAt: now })
        .where(
          and(
            inArray(messages.id, ids),
            eq(messages.status, 'sending'),
            lt(messages.leaseUntil, now),
            or(
              eq(messages.onAmbiguous, 'hold'),
              isNotNull(messages.cancelRequestedAt),
              lte(messages.expiresAt, now),
              gte(messages.unanswered, maxUnanswered),
            ),
          ),
        )
        .returning({ id: messages.id }),
    );
    if (lost.length > 0) {
      yield* rows(
        db
          .update(attempts)
          .set({ outcome: 'lost', reason: 'worker_lost', finishedAt: now })
          .where(
            and(
              inArray(
                attempts.messageId,
                lost.map(({ id }) => id),
              ),
              eq(attempts.outcome, 'started'),
            ),
          )
          .returning({ number: attempts.number }),
      );
    }
    return [...canceled, ...expired, ...lost].map(({ id }) => id);
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
