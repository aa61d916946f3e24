import type { Channel, Lane } from '@tidings/contracts';
import { and, asc, eq, inArray, isNotNull, lt, lte, ne, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows } from '../database.ts';

/** What the queue must know to hold a job for a message. */
export interface QueueEntry {
  id: string;
  generation: number;
  channel: Channel;
  lane: Lane;
  /** Milliseconds until it is due; 0 or less means now. */
  delayMs: number;
}

function entryColumns(database: Database) {
  const { messages } = database.tables;
  return {
    id: messages.id,
    generation: messages.generation,
    channel: messages.channel,
    lane: messages.lane,
    delayMs: sql<number>`${messages.dueAt} - ${database.now}`.mapWith(Number),
  };
}

/** How many of a project's messages may enter a window now. */
export interface Room {
  projectId: string;
  limit: number;
}

/**
 * Moves due messages of a lane from SQL into the window, in one commit: of each project as many as it has room for,
 * the oldest first. Answers the jobs to add, project by project in the order of `rooms`. Two relays at once get
 * different rows. A crash before the jobs are added is healed by the reconciler.
 */
export function enterWindow(
  database: Database,
  options: { channel: Channel; lane: Lane; lookaheadMs: number; rooms: Room[] },
): Promise<QueueEntry[][]> {
  const { rooms, ...where } = options;
  // By id: of two relays that took up projects in other orders, each would wait for rows of the other (deadlock).
  const inOrder = rooms.toSorted((a, b) => (a.projectId < b.projectId ? -1 : 1));
  return database.commit(function* (db) {
    const entered = new Map<Room, QueueEntry[]>();
    for (const room of inOrder) {
      const entries = yield* rows(enter(database, db, { ...where, ...room }));
      entered.set(
        room,
        entries.toSorted((a, b) => a.delayMs - b.delayMs || (a.id < b.id ? -1 : 1)),
      );
    }
    return rooms.map((room) => entered.get(room) ?? []);
  });
}

function enter(
  database: Database,
  db: Handle,
  values: Room & { channel: Channel; lane: Lane; lookaheadMs: number },
) {
  const { messages } = database.tables;
  const build = () => {
    const next = db
      .select({ id: messages.id })
      .from(messages)
      .where(
        and(
          eq(messages.place, 'store'),
          eq(messages.channel, sql.placeholder('channel')),
          eq(messages.lane, sql.placeholder('lane')),
          eq(messages.projectId, sql.placeholder('projectId')),
          lte(messages.dueAt, sql`${database.now} + ${sql.placeholder('lookaheadMs')}`),
        ),
      )
      .orderBy(asc(messages.dueAt), asc(messages.id))
      .limit(sql.placeholder('limit'));
    return (
      db
        .update(messages)
        .set({
          place: 'queue',
          status: sql`case when ${messages.status} = 'scheduled' then 'queued' else ${messages.status} end`,
        })
        // Not "= 'store'": SQLite would walk the index of all that waits instead of looking up these few.
        .where(and(inArray(messages.id, next), ne(messages.place, 'queue')))
        .returning(entryColumns(database))
    );
  };
  return database.prepared(db, 'enter_window', build, { ...values });
}

/** Those of the messages that have a job and are due, and that no worker has taken up yet. */
export async function stillWaiting(database: Database, ids: string[]): Promise<string[]> {
  const { messages } = database.tables;
  const found = await database.handle
    .select({ id: messages.id })
    .from(messages)
    .where(
      and(
        inArray(messages.id, ids),
        inArray(messages.status, ['queued', 'retrying']),
        eq(messages.place, 'queue'),
        lte(messages.dueAt, database.now),
      ),
    );
  return found.map(({ id }) => id);
}

/** Takes messages whose jobs could not be added back out of the window. */
export async function leaveWindow(database: Database, ids: string[]): Promise<void> {
  const { messages } = database.tables;
  await database.handle
    .update(messages)
    .set({ place: 'store' })
    .where(
      and(
        inArray(messages.id, ids),
        eq(messages.place, 'queue'),
        inArray(messages.status, ['queued', 'retrying']),
      ),
    )
    .returning({ id: messages.id });
}

/** Whether more than `limit` messages wait or are being sent. Looks at no more than that many index entries. */
export async function hasBacklogOver(database: Database, limit: number): Promise<boolean> {
  const { messages } = database.tables;
  const beyond = await database.handle
    .select({ expiresAt: messages.expiresAt })
    .from(messages)
    .where(isNotNull(messages.place))
    .orderBy(asc(messages.expiresAt))
    .limit(1)
    .offset(limit);
  return beyond.length > 0;
}

/** Where a walk over the window stands: the last entry seen. */
export interface WindowCursor {
  dueAt: number;
  id: string;
}

/**
 * Messages of the window that should have moved `graceMs` ago, in the order they were due, after `cursor`: waiting
 * ones that are overdue, and sending ones whose lease has run out. With a grace of 0 and `all` it is every
 * waiting message of the window, due or not.
 */
export async function overdue(
  database: Database,
  options: { graceMs: number; limit: number; cursor?: WindowCursor; all?: boolean },
): Promise<Array<QueueEntry & { dueAt: number }>> {
  const { messages } = database.tables;
  const { graceMs, limit, cursor, all = false } = options;
  const before = sql`${database.now} - ${graceMs}`;
  return await database.handle
    .select({ ...entryColumns(database), dueAt: messages.dueAt })
    .from(messages)
    .where(
      and(
        eq(messages.place, 'queue'),
        cursor &&
          or(
            sql`${messages.dueAt} > ${cursor.dueAt}`,
            and(eq(messages.dueAt, cursor.dueAt), sql`${messages.id} > ${cursor.id}`),
          ),
        or(
          and(inArray(messages.status, ['queued', 'retrying']), all ? undefined : lt(messages.dueAt, before)),
          and(eq(messages.status, 'sending'), lt(messages.leaseUntil, before)),
        ),
      ),
    )
    .orderBy(asc(messages.dueAt), asc(messages.id))
    .limit(limit);
}

/** Gives messages of the window a new generation, for the queue no longer has their job. */
export function renewJobs(database: Database, ids: string[]): Promise<QueueEntry[]> {
  const { messages } = database.tables;
  return Promise.resolve(
    database.handle
      .update(messages)
      .set({ generation: sql`${messages.generation} + 1` })
      .where(and(inArray(messages.id, ids), eq(messages.place, 'queue')))
      .returning(entryColumns(database)),
  );
}

/** Puts a message back into SQL under a new generation: it is due too late to wait in the queue. */
export async function parkMessage(database: Database, id: string): Promise<void> {
  const { messages } = database.tables;
  await database.handle
    .update(messages)
    .set({ place: 'store', generation: sql`${messages.generation} + 1` })
    .where(
      and(eq(messages.id, id), eq(messages.place, 'queue'), inArray(messages.status, ['queued', 'retrying'])),
    )
    .returning({ id: messages.id });
}
