import { endStatuses, openStatuses } from '@tidings/contracts';
import { and, eq, inArray, isNotNull, isNull, notExists } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { forgetAnswers, inPieces, withoutPayload } from './forget.ts';

/** What is removed of a notification once it is old enough. */
export type PruneRule = 'payloads' | 'idempotencyKeys' | 'attempts' | 'notifications';

type Removal = (database: Database, db: Handle, ids: string[]) => Steps<void>;

/** Steps of a commit: what each rule does to notifications whose messages have ended. */
export const removals: Readonly<Record<PruneRule, Removal>> = {
  payloads: removePayloads,
  idempotencyKeys: removeKeys,
  attempts: removeAttempts,
  notifications: removeNotifications,
};

/**
 * Addresses first: that takes the rows, so that a replay either came before and is seen, or finds no address. What
 * providers answered goes with them, since they quote addresses and nobody could find it by one any more.
 */
function* removePayloads(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { notifications, messages } = database.tables;
  const without = yield* rows(
    db
      .update(messages)
      .set({ address: null })
      .where(
        and(
          inArray(messages.notificationId, ids),
          inArray(messages.status, [...endStatuses]),
          isNotNull(messages.address),
        ),
      )
      .returning({ id: messages.id }),
  );
  yield* forgetAnswers(
    database,
    db,
    without.map(({ id }) => id),
  );
  yield* rows(
    db
      .update(notifications)
      .set({ ...withoutPayload, payloadRemovedAt: database.now })
      .where(
        and(
          inArray(notifications.id, ids),
          isNull(notifications.payloadRemovedAt),
          notExists(openMessages(database, db)),
        ),
      )
      .returning({ id: notifications.id }),
  );
}

function openMessages({ tables: { notifications, messages } }: Database, db: Handle) {
  return db
    .select({ id: messages.id })
    .from(messages)
    .where(and(eq(messages.notificationId, notifications.id), inArray(messages.status, [...openStatuses])));
}

function* removeKeys({ tables: { notifications } }: Database, db: Handle, ids: string[]): Steps<void> {
  yield* rows(
    db
      .update(notifications)
      .set({ idempotencyKey: null, requestHash: null })
      .where(and(inArray(notifications.id, ids), isNotNull(notifications.idempotencyKey)))
      .returning({ id: notifications.id }),
  );
}

function* removeAttempts(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { attempts } = database.tables;
  for (const theirs of yield* endedMessagesOf(database, db, ids)) {
    yield* rows(
      db.delete(attempts).where(inArray(attempts.messageId, theirs)).returning({ number: attempts.number }),
    );
    yield* forgetAnswers(database, db, theirs);
  }
}

function* removeNotifications(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { notifications, messages, attempts, feedback, replays } = database.tables;
  const ended = inArray(messages.status, [...endStatuses]);
  for (const theirs of yield* endedMessagesOf(database, db, ids)) {
    yield* rows(
      db.delete(attempts).where(inArray(attempts.messageId, theirs)).returning({ number: attempts.number }),
    );
    yield* rows(
      db.delete(feedback).where(inArray(feedback.messageId, theirs)).returning({ at: feedback.at }),
    );
    yield* rows(db.delete(replays).where(inArray(replays.messageId, theirs)).returning({ at: replays.at }));
    yield* rows(
      db
        .delete(messages)
        .where(and(inArray(messages.id, theirs), ended))
        .returning({ id: messages.id }),
    );
  }
  const left = db
    .select({ id: messages.id })
    .from(messages)
    .where(eq(messages.notificationId, notifications.id));
  yield* rows(
    db
      .delete(notifications)
      .where(and(inArray(notifications.id, ids), notExists(left)))
      .returning({ id: notifications.id }),
  );
}

/** In pieces, by their ids: a planner given a subquery may prefer to read all attempts. */
function* endedMessagesOf({ tables: { messages } }: Database, db: Handle, ids: string[]): Steps<string[][]> {
  const found = yield* rows(
    db
      .select({ id: messages.id })
      .from(messages)
      .where(and(inArray(messages.notificationId, ids), inArray(messages.status, [...endStatuses]))),
  );
  return inPieces(
    found.map(({ id }) => id),
    1000,
  );
}
