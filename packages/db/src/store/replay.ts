import { replayableStatuses } from '@tidings/contracts';
import { and, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';

/**
 * Takes messages back out of their end and queues them again, under a new generation and with a fresh budget.
 * Answers the ids of those it could: not what was sent, nor what is still open, nor what has no address to be
 * sent to.
 *
 * A message past its time gets the time it was given first once more; one that still has time keeps its
 * expiry, which may be the moment after which it makes no sense. Its first claim stays on record, so that every
 * copy has one identity. At most a few thousand ids a call.
 */
export function replay(database: Database, ids: string[]): Promise<string[]> {
  const { messages, notifications, replays } = database.tables;
  const { now } = database;
  const lifetimeMs = database.handle
    .select({
      ms: sql`${notifications.expiresAt} - coalesce(${notifications.sendAt}, ${notifications.createdAt})`,
    })
    .from(notifications)
    .where(eq(notifications.id, messages.notificationId));
  return database.commit(function* (db) {
    const mayBeSentAgain = (candidates: string[]) =>
      and(
        inArray(messages.id, candidates),
        inArray(messages.status, [...replayableStatuses]),
        isNotNull(messages.address),
      );
    const ends = yield* rows(
      db
        .select({
          id: messages.id,
          status: messages.status,
          reason: messages.reason,
          endedAt: messages.endedAt,
        })
        .from(messages)
        .where(mayBeSentAgain(ids)),
    );
    if (ends.length === 0) return [];
    const replayed = yield* rows(
      db
        .update(messages)
        .set({
          status: 'queued',
          reason: null,
          place: 'store',
          generation: sql`${messages.generation} + 1`,
          dueAt: now,
          expiresAt: sql`case when ${messages.expiresAt} <= ${now} then ${now} + (${lifetimeMs}) else ${messages.expiresAt} end`,
          failures: 0,
          unanswered: 0,
          leaseToken: null,
          leaseOwner: null,
          leaseUntil: null,
          cancelRequestedAt: null,
          endedAt: null,
        })
        .where(mayBeSentAgain(ends.map(({ id }) => id)))
        .returning({ messageId: messages.id, generation: messages.generation, at: messages.dueAt }),
    );
    if (replayed.length === 0) return [];
    const endOf = new Map(ends.map(({ id, ...end }) => [id, end]));
    const records = replayed.flatMap((one) => {
      const end = endOf.get(one.messageId);
      return end === undefined ? [] : [{ ...one, ...end }];
    });
    yield* rows(db.insert(replays).values(records).returning({ id: replays.messageId }));
    return replayed.map(({ messageId }) => messageId);
  });
}

/** Makes messages of the window that wait for a later time due now. Answers the ids of those that did. */
export async function hasten(database: Database, ids: string[]): Promise<string[]> {
  const { messages } = database.tables;
  const hastened = await database.handle
    .update(messages)
    .set({ dueAt: database.now })
    .where(
      and(
        inArray(messages.id, ids),
        inArray(messages.status, ['queued', 'retrying']),
        eq(messages.place, 'queue'),
        gt(messages.dueAt, database.now),
      ),
    )
    .returning({ id: messages.id });
  return hastened.map(({ id }) => id);
}
