import { waitingCopyStatuses } from '@tidings/contracts';
import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { inPieces } from '../forget.ts';
import { ended } from './end-copies.ts';

/**
 * One step of a commit: nothing of what these events said, and of whom, remains; nor what consumers answered, since
 * they quote it. Copies that wait end; one that is being handed over ends when it comes back, unless it was delivered.
 */
export function* forgetEvents(database: Database, db: Handle, ids: string[]): Steps<void> {
  if (ids.length === 0) return;
  const { events, copies, copyAttempts, sequences } = database.tables;
  const { now } = database;
  // As a fan-out does first: so none comes between, with copies of what it has read before.
  yield* rows(
    db
      .update(sequences)
      .set({ value: sequences.value })
      .where(eq(sequences.name, 'fan-out'))
      .returning({ value: sequences.value }),
  );
  yield* rows(
    db
      .update(events)
      .set({
        subject: null,
        data: {},
        // Whoever has no copy by now gets none.
        fannedOutAt: sql`coalesce(${events.fannedOutAt}, ${now})`,
        payloadRemovedAt: sql`coalesce(${events.payloadRemovedAt}, ${now})`,
      })
      .where(inArray(events.id, ids))
      .returning({ id: events.id }),
  );
  yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'skipped', reason: 'payload_removed', endedAt: now })
      .where(and(inArray(copies.eventId, ids), inArray(copies.status, waitingCopyStatuses)))
      .returning({ id: copies.id }),
  );
  const theirs = yield* rows(db.select({ id: copies.id }).from(copies).where(inArray(copies.eventId, ids)));
  for (const some of inPieces(
    theirs.map(({ id }) => id),
    1000,
  )) {
    yield* rows(
      db
        .update(copyAttempts)
        .set({ response: null })
        .where(and(inArray(copyAttempts.copyId, some), isNotNull(copyAttempts.response)))
        .returning({ number: copyAttempts.number }),
    );
  }
}

/** One step of a commit: forgets the events that caused these notifications, and those that tell of them. */
export function* forgetEventsOf(
  database: Database,
  db: Handle,
  { projectId, notificationIds }: { projectId: string; notificationIds: string[] },
): Steps<void> {
  if (notificationIds.length === 0) return;
  const { copies, events } = database.tables;
  const causes = yield* rows(
    db
      .select({ id: copies.eventId })
      .from(copies)
      .where(inArray(copies.notificationId, notificationIds))
      .groupBy(copies.eventId),
  );
  const told = yield* rows(
    db
      .select({ id: events.id })
      .from(events)
      .where(and(eq(events.projectId, projectId), inArray(events.subject, notificationIds))),
  );
  for (const ids of inPieces(
    [...causes, ...told].map(({ id }) => id),
    1000,
  )) {
    yield* forgetEvents(database, db, ids);
  }
}

/** One step of a commit: forgets some of the events about these subjects. Answers whether there may be more. */
export function* forgetEventsAbout(
  database: Database,
  db: Handle,
  { projectId, subjects, limit }: { projectId: string; subjects: string[]; limit: number },
): Steps<boolean> {
  const { events } = database.tables;
  const found = yield* rows(
    db
      .select({ id: events.id })
      .from(events)
      .where(and(eq(events.projectId, projectId), inArray(events.subject, subjects)))
      .limit(limit),
  );
  yield* forgetEvents(
    database,
    db,
    found.map(({ id }) => id),
  );
  return found.length === limit;
}
