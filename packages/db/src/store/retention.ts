import { defaultRetention, openStatuses, type Retention } from '@tidings/contracts';
import { and, asc, eq, gt, gte, inArray, isNull, notExists, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { type PruneRule, removals } from './removals.ts';

const dayMs = 86_400_000;

/** What every project keeps, and how long; its own rules before the defaults. */
export async function retentions(
  database: Database,
): Promise<Array<{ projectId: string; retention: Retention }>> {
  const { projects } = database.tables;
  const found = await database.handle
    .select({ projectId: projects.id, retention: projects.retention })
    .from(projects)
    .orderBy(asc(projects.id));
  return found.map(({ projectId, retention }) => ({
    projectId,
    retention: { ...defaultRetention, ...retention },
  }));
}

/** Where a round of pruning got to. */
export interface PrunePage {
  /** Go on after this one; null: the rest is too young. */
  after: string | null;
  /** All until here were looked at; null where there are none of age. */
  doneUntil: string | null;
  /** Those of them that were left as they are: what is open, or ended lately. */
  left: string[];
}

/**
 * Looks at one page of a project's notifications, oldest first, and does to those of age what the rule says, in one
 * commit. Of age is what ended more than `days` ago: an open message is never touched.
 */
export function pruneNotifications(
  database: Database,
  options: { projectId: string; rule: PruneRule; days: number; after: string | null; limit: number },
): Promise<PrunePage> {
  const { projectId, rule, days, after, limit } = options;
  const { notifications } = database.tables;
  return database.commit(function* (db) {
    const cutoff = sql<number>`${database.now} - ${days * dayMs}`;
    const page = yield* rows(
      db
        .select({ id: notifications.id, isOld: sql<unknown>`${notifications.createdAt} < ${cutoff}` })
        .from(notifications)
        .where(
          and(
            eq(notifications.projectId, projectId),
            after === null ? undefined : gt(notifications.id, after),
          ),
        )
        .orderBy(asc(notifications.id))
        .limit(limit),
    );
    const old = page.flatMap(({ id, isOld }) => (isOld ? [id] : []));
    const doneUntil = old.at(-1) ?? null;
    if (doneUntil === null) return { after: null, doneUntil, left: [] };
    const ripe = yield* endedBefore(database, db, old, cutoff);
    if (ripe.length > 0) yield* removals[rule](database, db, ripe);
    const gone = new Set(ripe);
    const left = page.flatMap(({ id }) => (id <= doneUntil && !gone.has(id) ? [id] : []));
    return { after: page.length < limit ? null : (page.at(-1)?.id ?? null), doneUntil, left };
  });
}

/** Looks again at notifications that an earlier page left. Answers those of them that are left once more. */
export function pruneLeft(
  database: Database,
  options: { rule: PruneRule; days: number; ids: string[] },
): Promise<string[]> {
  const { rule, days, ids } = options;
  const { notifications } = database.tables;
  return database.commit(function* (db) {
    const cutoff = sql<number>`${database.now} - ${days * dayMs}`;
    const there = yield* rows(
      db
        .select({ id: notifications.id, isOld: sql<unknown>`${notifications.createdAt} < ${cutoff}` })
        .from(notifications)
        .where(inArray(notifications.id, ids)),
    );
    const old = there.flatMap(({ id, isOld }) => (isOld ? [id] : []));
    const ripe = old.length === 0 ? [] : yield* endedBefore(database, db, old, cutoff);
    if (ripe.length > 0) yield* removals[rule](database, db, ripe);
    return there.flatMap(({ id }) => (ripe.includes(id) ? [] : [id]));
  });
}

/** Of these notifications those all of whose messages ended before the cutoff. */
function* endedBefore(
  { tables: { notifications, messages } }: Database,
  db: Handle,
  ids: string[],
  cutoff: SQL<number>,
): Steps<string[]> {
  const unripe = db
    .select({ id: messages.id })
    .from(messages)
    .where(
      and(
        eq(messages.notificationId, notifications.id),
        or(inArray(messages.status, [...openStatuses]), gte(messages.endedAt, cutoff)),
      ),
    );
  const found = yield* rows(
    db
      .select({ id: notifications.id })
      .from(notifications)
      .where(and(inArray(notifications.id, ids), notExists(unripe))),
  );
  return found.map(({ id }) => id);
}

/**
 * Removes the oldest of a project's audit rows that are older than `days`, at most `limit`; null stands for the
 * instance. Answers whether there may be more.
 */
export function pruneAudit(
  database: Database,
  options: { projectId: string | null; days: number; limit: number },
): Promise<boolean> {
  const { projectId, days, limit } = options;
  const { audit } = database.tables;
  return database.commit(function* (db) {
    const oldest = yield* rows(
      db
        .select({
          id: audit.id,
          isOld: sql<unknown>`${audit.at} < ${database.now} - ${days * dayMs}`,
        })
        .from(audit)
        .where(projectId === null ? isNull(audit.projectId) : eq(audit.projectId, projectId))
        .orderBy(asc(audit.id))
        .limit(limit),
    );
    const old = oldest.flatMap(({ id, isOld }) => (isOld ? [id] : []));
    if (old.length === 0) return false;
    yield* rows(db.delete(audit).where(inArray(audit.id, old)).returning({ id: audit.id }));
    return old.length === limit;
  });
}
