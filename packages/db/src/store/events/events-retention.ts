import { and, asc, eq, inArray, notExists, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';

const dayMs = 86_400_000;

/** Copies that one commit removes; each has a few attempts. */
const copiesAtOnce = 1000;

/**
 * Removes the oldest of a project's events that are older than `days`, at most `limit`, with their copies and the
 * attempts of these, whatever became of them. Answers whether there may be more.
 */
export function pruneEvents(
  database: Database,
  options: { projectId: string; days: number; limit: number },
): Promise<boolean> {
  const { projectId, days, limit } = options;
  const { events, copies } = database.tables;
  return database.commit(function* (db) {
    const oldest = yield* rows(
      db
        .select({
          id: events.id,
          isOld: sql<unknown>`${events.createdAt} < ${database.now} - ${days * dayMs}`,
        })
        .from(events)
        .where(eq(events.projectId, projectId))
        .orderBy(asc(events.id))
        .limit(limit),
    );
    const old = oldest.flatMap(({ id, isOld }) => (isOld ? [id] : []));
    if (old.length === 0) return false;
    const removed = yield* removeCopies(database, db, old);
    const left = db.select({ id: copies.id }).from(copies).where(eq(copies.eventId, events.id));
    yield* rows(
      db
        .delete(events)
        .where(and(inArray(events.id, old), notExists(left)))
        .returning({ id: events.id }),
    );
    return removed === copiesAtOnce || old.length === limit;
  });
}

/** A commit's worth of the events' copies. Answers how many. */
function* removeCopies({ tables }: Database, db: Handle, eventIds: string[]): Steps<number> {
  const { copies, copyAttempts } = tables;
  const found = yield* rows(
    db.select({ id: copies.id }).from(copies).where(inArray(copies.eventId, eventIds)).limit(copiesAtOnce),
  );
  const ids = found.map(({ id }) => id);
  if (ids.length === 0) return 0;
  yield* rows(
    db
      .delete(copyAttempts)
      .where(inArray(copyAttempts.copyId, ids))
      .returning({ number: copyAttempts.number }),
  );
  yield* rows(db.delete(copies).where(inArray(copies.id, ids)).returning({ id: copies.id }));
  return ids.length;
}
