import { waitingCopyStatuses } from '@tidings/contracts';
import { and, asc, eq, gt, inArray, isNotNull, lt, lte, ne, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import type { WindowCursor } from '../window.ts';
import type { CopyEntry } from './copy-types.ts';
import { endRemoved } from './end-copies.ts';

function entryColumns(database: Database) {
  const { copies } = database.tables;
  return {
    id: copies.id,
    subscriptionId: copies.subscriptionId,
    generation: copies.generation,
    delayMs: sql<number>`${copies.dueAt} - ${database.now}`.mapWith(Number),
  };
}

/**
 * Moves due copies of a subscription from SQL into its window, the oldest first; of an ordered one the first that is
 * open, and only when it is due and no other has a job. Answers the jobs to add. None enters while the subscription
 * is not active or is held; of one that was removed the copies end. A crash before the jobs are added is healed by
 * the reconciler.
 */
export function enterCopyWindow(
  database: Database,
  options: { subscriptionId: string; lookaheadMs: number; limit: number },
): Promise<CopyEntry[]> {
  return database.commit(function* (db) {
    const [subscription] = yield* rows(selectConsumer(database, db, options.subscriptionId));
    if (subscription === undefined) return [];
    if (subscription.removedAt !== null) {
      yield* endRemoved(database, db, options);
      return [];
    }
    const { status, heldUntil, ordered, now } = subscription;
    if (status !== 'active' || (heldUntil ?? 0) > now) return [];
    const entries = yield* ordered ? enterNext(database, db, options) : enterDue(database, db, options);
    return entries.toSorted((a, b) => a.delayMs - b.delayMs || (a.id < b.id ? -1 : 1));
  });
}

function selectConsumer(database: Database, db: Handle, id: string) {
  const { subscriptions } = database.tables;
  const build = () =>
    db
      .select({
        status: subscriptions.status,
        heldUntil: subscriptions.heldUntil,
        ordered: subscriptions.ordered,
        removedAt: subscriptions.removedAt,
        now: database.now,
      })
      .from(subscriptions)
      .where(eq(subscriptions.id, sql.placeholder('id')));
  return database.prepared(db, 'window_consumer', build, { id });
}

interface Entering {
  subscriptionId: string;
  lookaheadMs: number;
  limit: number;
}

function* enterDue(database: Database, db: Handle, values: Entering): Steps<CopyEntry[]> {
  const { copies } = database.tables;
  const build = () => {
    const next = db
      .select({ id: copies.id })
      .from(copies)
      .where(
        and(
          eq(copies.place, 'store'),
          eq(copies.subscriptionId, sql.placeholder('subscriptionId')),
          lte(copies.dueAt, sql`${database.now} + ${sql.placeholder('lookaheadMs')}`),
        ),
      )
      .orderBy(asc(copies.dueAt), asc(copies.id))
      .limit(sql.placeholder('limit'));
    return (
      db
        .update(copies)
        .set({ place: 'queue' })
        // Not "= 'store'": SQLite would walk the index of all that waits instead of looking up these few.
        .where(and(inArray(copies.id, next), ne(copies.place, 'queue')))
        .returning(entryColumns(database))
    );
  };
  return yield* rows(database.prepared(db, 'enter_copies', build, { ...values }));
}

function* enterNext(database: Database, db: Handle, values: Entering): Steps<CopyEntry[]> {
  const { copies } = database.tables;
  if (values.limit < 1) return [];
  const build = () => {
    const first = db
      .select({ id: copies.id })
      .from(copies)
      .where(
        and(
          eq(copies.subscriptionId, sql.placeholder('subscriptionId')),
          isNotNull(copies.position),
          isNotNull(copies.place),
        ),
      )
      .orderBy(asc(copies.position))
      .limit(1);
    const inQueue = sql`
      select 1 from ${copies} as queued
      where queued.place = 'queue' and queued.subscription_id = ${sql.placeholder('subscriptionId')}`;
    return db
      .update(copies)
      .set({ place: 'queue' })
      .where(
        and(
          inArray(copies.id, first),
          ne(copies.place, 'queue'),
          lte(copies.dueAt, sql`${database.now} + ${sql.placeholder('lookaheadMs')}`),
          sql`not exists (${inQueue})`,
        ),
      )
      .returning(entryColumns(database));
  };
  return yield* rows(database.prepared(db, 'enter_next_copy', build, { ...values }));
}

/** Takes copies whose jobs could not be added back out of the window. */
export async function leaveCopyWindow(database: Database, ids: string[]): Promise<void> {
  const { copies } = database.tables;
  await database.handle
    .update(copies)
    .set({ place: 'store' })
    .where(
      and(inArray(copies.id, ids), eq(copies.place, 'queue'), inArray(copies.status, waitingCopyStatuses)),
    )
    .returning({ id: copies.id });
}

/**
 * Copies of the window that should have moved `graceMs` ago, in the order they were due, after `cursor`: waiting
 * ones that are overdue, and sending ones whose lease has run out. With a grace of 0 and `all` it is every waiting
 * copy of the window, due or not.
 */
export async function overdueCopies(
  database: Database,
  options: { graceMs: number; limit: number; cursor?: WindowCursor; all?: boolean },
): Promise<Array<CopyEntry & { dueAt: number }>> {
  const { copies } = database.tables;
  const { graceMs, limit, cursor, all = false } = options;
  const before = sql`${database.now} - ${graceMs}`;
  return await database.handle
    .select({ ...entryColumns(database), dueAt: copies.dueAt })
    .from(copies)
    .where(
      and(
        eq(copies.place, 'queue'),
        cursor &&
          or(
            sql`${copies.dueAt} > ${cursor.dueAt}`,
            and(eq(copies.dueAt, cursor.dueAt), sql`${copies.id} > ${cursor.id}`),
          ),
        or(
          and(inArray(copies.status, waitingCopyStatuses), all ? undefined : lt(copies.dueAt, before)),
          and(eq(copies.status, 'sending'), lt(copies.leaseUntil, before)),
        ),
      ),
    )
    .orderBy(asc(copies.dueAt), asc(copies.id))
    .limit(limit);
}

/** Gives copies of the window a new generation, for the queue no longer has their job. */
export function renewCopyJobs(database: Database, ids: string[]): Promise<CopyEntry[]> {
  const { copies } = database.tables;
  return Promise.resolve(
    database.handle
      .update(copies)
      .set({ generation: sql`${copies.generation} + 1` })
      .where(and(inArray(copies.id, ids), eq(copies.place, 'queue')))
      .returning(entryColumns(database)),
  );
}

/** Puts a copy back into SQL under a new generation: it is due too late to wait in the queue. */
export async function parkCopy(database: Database, id: string): Promise<void> {
  const { copies } = database.tables;
  await database.handle
    .update(copies)
    .set({ place: 'store', generation: sql`${copies.generation} + 1` })
    .where(and(eq(copies.id, id), eq(copies.place, 'queue'), inArray(copies.status, waitingCopyStatuses)))
    .returning({ id: copies.id });
}

/** Makes copies of the window that wait for a later time due now. Answers the ids of those that did. */
export async function hastenCopies(database: Database, ids: string[]): Promise<string[]> {
  const { copies } = database.tables;
  const hastened = await database.handle
    .update(copies)
    .set({ dueAt: database.now })
    .where(
      and(
        inArray(copies.id, ids),
        inArray(copies.status, waitingCopyStatuses),
        eq(copies.place, 'queue'),
        gt(copies.dueAt, database.now),
      ),
    )
    .returning({ id: copies.id });
  return hastened.map(({ id }) => id);
}
