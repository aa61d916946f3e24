import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { ErasedAddresses } from '../schema/tables.ts';
import { unlessInDoubt } from './doubt.ts';
import { isTold } from './events/happenings.ts';
import { recordHappenings } from './events/message-happenings.ts';
import { addressHash, withHashes } from './suppressions.ts';

/** What a notification is without its payload. */
export const withoutPayload = { toName: null, content: null, emailParts: null, data: {}, metadata: {} };

/**
 * One step of a commit: nothing of what the notifications said, and to whom, remains; nor what providers answered,
 * since they quote addresses. What waits to be sent ends; what is being sent ends when it comes back, unless it was
 * sent.
 */
export function* forgetNotifications(database: Database, db: Handle, ids: string[]): Steps<void> {
  if (ids.length === 0) return;
  const { notifications, messages } = database.tables;
  const { now } = database;
  const theirs = inArray(messages.notificationId, ids);
  // First, for it takes every row: no claim or settlement moves one between the two statements after it.
  const forgotten = yield* rows(
    db.update(messages).set({ address: null }).where(theirs).returning({ id: messages.id }),
  );
  const skipped = yield* rows(
    db
      .update(messages)
      .set({ ...unlessInDoubt(database, 'skipped', 'erased'), place: null, endedAt: now })
      .where(and(theirs, inArray(messages.status, ['scheduled', 'queued', 'retrying'])))
      .returning({ id: messages.id, isTold: isTold(database) }),
  );
  yield* rows(
    db
      .update(messages)
      .set({ cancelRequestedAt: sql`coalesce(${messages.cancelRequestedAt}, ${now})` })
      .where(and(theirs, eq(messages.status, 'sending')))
      .returning({ id: messages.id }),
  );
  yield* forgetAnswers(
    database,
    db,
    forgotten.map(({ id }) => id),
  );
  yield* rows(
    db
      .update(notifications)
      .set({ ...withoutPayload, payloadRemovedAt: sql`coalesce(${notifications.payloadRemovedAt}, ${now})` })
      .where(inArray(notifications.id, ids))
      .returning({ id: notifications.id }),
  );
  // At last, when the metadata are gone.
  yield* recordHappenings(database, db, skipped);
}

/** One step of a commit: what providers said of these messages goes, since they quote addresses. */
export function* forgetAnswers({ tables }: Database, db: Handle, ids: string[]): Steps<void> {
  const { attempts, feedback } = tables;
  for (const some of inPieces(ids, 1000)) {
    yield* rows(
      db
        .update(attempts)
        .set({ response: null })
        .where(and(inArray(attempts.messageId, some), isNotNull(attempts.response)))
        .returning({ number: attempts.number }),
    );
    yield* rows(
      db
        .update(feedback)
        .set({ response: null })
        .where(and(inArray(feedback.messageId, some), isNotNull(feedback.response)))
        .returning({ at: feedback.at }),
    );
  }
}

/** Cuts a list, such as of ids, so that a statement has no more values than a database takes. */
export function inPieces<Item>(items: Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/**
 * One step of a commit: the project's list of suppressions forgets these addresses, and goes on to stop them by their
 * hashes. What somebody wrote beside them goes too.
 */
export function* forgetSuppressed(
  database: Database,
  db: Handle,
  projectId: string,
  { emails, tokens }: ErasedAddresses,
): Steps<void> {
  const { projects, suppressions } = database.tables;
  const [{ key } = { key: null }] = yield* rows(
    db.select({ key: projects.suppressionKey }).from(projects).where(eq(projects.id, projectId)),
  );
  if (key === null) return;
  const hashes = [
    ...emails.map((address) => addressHash(key, 'email', address)),
    ...tokens.map((address) => addressHash(key, 'push', address)),
  ];
  for (const some of inPieces(hashes, 1000)) {
    yield* rows(
      db
        .update(suppressions)
        .set({ address: null, note: null })
        .where(withHashes(database, projectId, some))
        .returning({ id: suppressions.id }),
    );
  }
}

/** One step of a commit: removes devices and preferences. Answers the tokens that there were. */
export function* forgetPerson({ tables }: Database, db: Handle, recipientId: string): Steps<string[]> {
  const { devices, preferences } = tables;
  const removed = yield* rows(
    db.delete(devices).where(eq(devices.recipientId, recipientId)).returning({ token: devices.token }),
  );
  yield* rows(
    db
      .delete(preferences)
      .where(eq(preferences.recipientId, recipientId))
      .returning({ channel: preferences.channel }),
  );
  return removed.map(({ token }) => token);
}
