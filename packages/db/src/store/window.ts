import { type Channel, channels, type Lane, lanes } from '@tidings/contracts';
import { and, asc, count, eq, inArray, isNotNull, lt, lte, ne, or, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

/** What the queue must know to hold a job for a message. */
export interface QueueEntry {
  id: string;
  generation: number;
  channel: Channel;
  lane: Lane;
  /** Milliseconds until it is due; 0 or less means now. */
  delayMs: number;
}

export interface LaneState {
  channel: Channel;
  lane: Lane;
  /** Due messages that have a job. */
  inQueue: number;
  /** Due messages that wait in SQL: the relay has work here. */
  backlog: boolean;
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

/**
 * How full the window of every channel and lane is, and whether more waits behind it. It is asked several times a
 * second by every process, so its statements are prepared.
 */
export async function laneStates(database: Database, lookaheadMs: number): Promise<LaneState[]> {
  const counts = await database.read(countWindow(database, lookaheadMs));
  const states: LaneState[] = [];
  for (const channel of channels) {
    for (const lane of lanes) {
      const inQueue = counts.find((row) => row.channel === channel && row.lane === lane)?.inQueue ?? 0;
      const waiting = await database.read(firstWaiting(database, { channel, lane, lookaheadMs }));
      states.push({ channel, lane, inQueue, backlog: waiting.length > 0 });
    }
  }
  return states;
}

function isDue(database: Database) {
  return lte(database.tables.messages.dueAt, sql`${database.now} + ${sql.placeholder('lookaheadMs')}`);
}

function countWindow(database: Database, lookaheadMs: number) {
  const { messages } = database.tables;
  const build = () =>
    database.handle
      .select({ channel: messages.channel, lane: messages.lane, inQueue: count() })
      .from(messages)
      .where(and(eq(messages.place, 'queue'), isDue(database)))
      .groupBy(messages.channel, messages.lane);
  return database.prepared(database.handle, 'count_window', build, { lookaheadMs });
}

function firstWaiting(database: Database, values: { channel: Channel; lane: Lane; lookaheadMs: number }) {
  const { messages } = database.tables;
  const build = () =>
    database.handle
      .select({ id: messages.id })
      .from(messages)
      .where(
        and(
          eq(messages.place, 'store'),
          eq(messages.channel, sql.placeholder('channel')),
          eq(messages.lane, sql.placeholder('lane')),
          isDue(database),
        ),
      )
      .limit(1);
  return database.prepared(database.handle, 'first_waiting', build, values);
}

/**
 * Moves due messages of a lane from SQL into the window, oldest first, and answers the jobs to add. Two
 * relays at once get different rows. A crash before the jobs are added is healed by the reconciler.
 */
export function enterWindow(
  database: Database,
  options: { channel: Channel; lane: Lane; limit: number; lookaheadMs: number },
): Promise<QueueEntry[]> {
  const { messages } = database.tables;
  const { channel, lane, limit, lookaheadMs } = options;
  const next = database.handle
    .select({ id: messages.id })
    .from(messages)
    .where(
      and(
        eq(messages.place, 'store'),
        eq(messages.channel, channel),
        eq(messages.lane, lane),
        lte(messages.dueAt, sql`${database.now} + ${lookaheadMs}`),
      ),
    )
    .orderBy(asc(messages.dueAt), asc(messages.id))
    .limit(limit);
  return Promise.resolve(
    database.handle
      .update(messages)
      .set({
        place: 'queue',
        status: sql`case when ${messages.status} = 'scheduled' then 'queued' else ${messages.status} end`,
      })
      // Not "= 'store'": SQLite would walk the index of all that waits instead of looking up these few.
      .where(and(inArray(messages.id, next), ne(messages.place, 'queue')))
      .returning(entryColumns(database)),
  );
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
