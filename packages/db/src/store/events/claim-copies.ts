import { and, eq, inArray, isNotNull, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { listValues, padded, placeholders } from '../../prepared.ts';
import { maxUnanswered } from '../claim.ts';
import type { ClaimedCopy, CopyRow, EventRow, RefusedCopy, SubscriptionRow } from './copy-types.ts';
import { ended } from './end-copies.ts';
import { type CurrentAttempt, recordLost } from './lost-attempts.ts';

export interface ClaimCopiesOptions {
  ids: string[];
  /** Fresh for every claim: it is what the leases are held under. */
  token: string;
  owner: string;
  leaseMs: number;
  /** Tokens of earlier claims of the caller whose answer never came: nothing was handed over under them. */
  unheardOf?: string[];
}

/**
 * Claims copies for handing over: one guarded statement takes those that are due, open, and not in the hands of
 * another whose lease still runs, of subscriptions that are active and not held; of an ordered one only the first
 * that is open. An attempt that a dead worker left open goes on record as lost.
 *
 * What is refused for its subscription, or because it is not its turn, goes back to SQL in the same commit, under a
 * new generation, and waits there to be let in again. What can never be handed over ends: its subscription was
 * removed, its event has no data any more, or it was claimed too often without an outcome.
 */
export function claimCopies(
  database: Database,
  options: ClaimCopiesOptions,
): Promise<{ claimed: ClaimedCopy[]; refused: RefusedCopy[] }> {
  return database.commit(function* (db) {
    const before = yield* selectSending(database, db, options.ids);
    const taken = yield* takeCopies(database, db, options);
    // What the statement saw as the time: a lost attempt and an end share their instant.
    const at = taken[0]?.claimedAt ?? 0;
    yield* recordLost(database, db, takenOver(before, taken), at);
    const events = yield* selectEvents(database, db, taken);
    const consumers = yield* selectSubscriptions(database, db, taken);
    const claimed: ClaimedCopy[] = [];
    const emptied: string[] = [];
    for (const copy of taken) {
      const event = events.get(copy.eventId);
      const subscription = consumers.get(copy.subscriptionId);
      if (event === undefined || subscription === undefined)
        throw new Error(`copy ${copy.id} has no event or no subscription`);
      if (event.payloadRemovedAt === null) claimed.push({ copy, event, subscription });
      else emptied.push(copy.id);
    }
    const known = new Set(taken.map(({ id }) => id));
    const others = options.ids.filter((id) => !known.has(id));
    const refused = [
      ...(yield* endEmptied(database, db, emptied, options.token)),
      ...(yield* refuse(database, db, others)),
    ];
    return { claimed, refused };
  });
}

/** Those that somebody has, with the attempt that may turn out to be lost. */
function* selectSending(database: Database, db: Handle, all: string[]): Steps<CurrentAttempt[]> {
  const { copies } = database.tables;
  const ids = padded(all);
  if (ids.length === 0) return [];
  return yield* rows(
    database.prepared(
      db,
      `copies_sending_${ids.length}`,
      () =>
        db
          .select({
            id: copies.id,
            attempt: copies.attempt,
            generation: copies.generation,
            leaseOwner: copies.leaseOwner,
            claimedAt: copies.claimedAt,
          })
          .from(copies)
          .where(and(inArray(copies.id, placeholders('id', ids.length)), eq(copies.status, 'sending'))),
      listValues('id', ids),
    ),
  );
}

/** What was sending before the claim and is ours now. */
function takenOver(before: CurrentAttempt[], taken: CopyRow[]): CurrentAttempt[] {
  if (before.length === 0) return [];
  const attempts = new Map(taken.map(({ id, attempt }) => [id, attempt]));
  return before.filter(({ id, attempt }) => attempts.get(id) === attempt + 1);
}

function* takeCopies(database: Database, db: Handle, options: ClaimCopiesOptions): Steps<CopyRow[]> {
  const { copies } = database.tables;
  const { now } = database;
  const ids = padded(options.ids);
  const unheardOf = padded(options.unheardOf ?? []);
  if (ids.length === 0) return [];
  const build = () => {
    const neverBegun =
      unheardOf.length === 0
        ? undefined
        : and(
            eq(copies.status, 'sending'),
            inArray(copies.leaseToken, placeholders('unheardOf', unheardOf.length)),
          );
    return db
      .update(copies)
      .set({
        status: 'sending',
        attempt: sql`${copies.attempt} + 1`,
        unanswered: sql`${copies.unanswered} + 1`,
        leaseToken: sql`${sql.placeholder('token')}`,
        leaseOwner: sql`${sql.placeholder('owner')}`,
        leaseUntil: sql`${now} + ${sql.placeholder('leaseMs')}`,
        claimedAt: now,
      })
      .where(
        and(
          inArray(copies.id, placeholders('id', ids.length)),
          or(isFree(database), neverBegun),
          lte(copies.dueAt, now),
          lt(copies.unanswered, maxUnanswered),
          sql`exists (${consumerOf(database)} and ${takesCopies(database)})`,
          isItsTurn(database),
        ),
      )
      .returning();
  };
  return yield* rows(
    database.prepared(db, `claim_copies_${ids.length}_${unheardOf.length}`, build, {
      ...listValues('id', ids),
      ...listValues('unheardOf', unheardOf),
      token: options.token,
      owner: options.owner,
      leaseMs: options.leaseMs,
    }),
  );
}

/** It waits, or whoever had it let the lease run out. */
function isFree({ tables: { copies }, now }: Database): SQL | undefined {
  return or(
    inArray(copies.status, ['queued', 'retrying']),
    and(eq(copies.status, 'sending'), lt(copies.leaseUntil, now)),
  );
}

function consumerOf({ tables: { copies, subscriptions } }: Database): SQL {
  return sql`select 1 from ${subscriptions} where ${subscriptions.id} = ${copies.subscriptionId}`;
}

function takesCopies({ tables: { subscriptions }, now }: Database): SQL | undefined {
  return and(
    eq(subscriptions.status, 'active'),
    isNull(subscriptions.removedAt),
    or(isNull(subscriptions.heldUntil), lte(subscriptions.heldUntil, now)),
  );
}

/** Of an ordered subscription, no copy before it is open. */
function isItsTurn({ tables: { copies } }: Database): SQL {
  return sql`(${copies.position} is null or not exists (
    select 1 from ${copies} as earlier
    where earlier.subscription_id = ${copies.subscriptionId} and earlier.position < ${copies.position}
      and earlier.position is not null and earlier.place is not null))`;
}

function* selectEvents(database: Database, db: Handle, taken: CopyRow[]): Steps<Map<string, EventRow>> {
  const { events } = database.tables;
  const ids = padded([...new Set(taken.map(({ eventId }) => eventId))]);
  if (ids.length === 0) return new Map();
  const found = yield* rows(
    database.prepared(
      db,
      `events_${ids.length}`,
      () =>
        db
          .select()
          .from(events)
          .where(inArray(events.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
  return new Map(found.map((event) => [event.id, event]));
}

function* selectSubscriptions(
  database: Database,
  db: Handle,
  taken: CopyRow[],
): Steps<Map<string, SubscriptionRow>> {
  const { subscriptions } = database.tables;
  const ids = padded([...new Set(taken.map(({ subscriptionId }) => subscriptionId))]);
  if (ids.length === 0) return new Map();
  const found = yield* rows(
    database.prepared(
      db,
      `subscriptions_${ids.length}`,
      () =>
        db
          .select()
          .from(subscriptions)
          .where(inArray(subscriptions.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
  return new Map(found.map((subscription) => [subscription.id, subscription]));
}

/** Gives up the claim of what has nothing to hand over any more: it ends. */
function* endEmptied(database: Database, db: Handle, ids: string[], token: string): Steps<RefusedCopy[]> {
  if (ids.length === 0) return [];
  const { copies } = database.tables;
  const { now } = database;
  const over = yield* rows(
    db
      .update(copies)
      .set({
        ...ended,
        status: 'skipped',
        reason: 'payload_removed',
        attempt: sql`${copies.attempt} - 1`,
        endedAt: now,
      })
      .where(and(inArray(copies.id, ids), eq(copies.leaseToken, token), eq(copies.status, 'sending')))
      .returning(),
  );
  return over.map((copy) => ({ copy, now: copy.endedAt ?? 0 }));
}

/** What becomes of those that were not taken; answers them as they stand then. */
function* refuse(database: Database, db: Handle, ids: string[]): Steps<RefusedCopy[]> {
  if (ids.length === 0) return [];
  const { copies, subscriptions } = database.tables;
  const { now } = database;
  const theirs = inArray(copies.id, ids);
  const removed = yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'skipped', reason: 'subscription_removed', endedAt: now })
      .where(
        and(
          theirs,
          isFree(database),
          sql`exists (${consumerOf(database)} and ${isNotNull(subscriptions.removedAt)})`,
        ),
      )
      .returning({ id: copies.id }),
  );
  yield* endAbandoned(database, db, ids);
  if (removed.length < ids.length) {
    yield* rows(
      db
        .update(copies)
        .set({ place: 'store', generation: sql`${copies.generation} + 1` })
        .where(
          and(
            theirs,
            eq(copies.place, 'queue'),
            isFree(database),
            or(
              sql`not exists (${consumerOf(database)} and ${takesCopies(database)})`,
              sql`not ${isItsTurn(database)}`,
            ),
          ),
        )
        .returning({ id: copies.id }),
    );
  }
  return yield* rows(db.select({ copy: copies, now }).from(copies).where(theirs));
}

/** What was claimed too often without an outcome ends, and the last attempt is lost. */
function* endAbandoned(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { copies } = database.tables;
  const isAbandoned = and(
    inArray(copies.id, ids),
    eq(copies.status, 'sending'),
    lt(copies.leaseUntil, database.now),
    sql`${copies.unanswered} >= ${maxUnanswered}`,
  );
  const last = yield* rows(
    db
      .select({
        id: copies.id,
        attempt: copies.attempt,
        generation: copies.generation,
        leaseOwner: copies.leaseOwner,
        claimedAt: copies.claimedAt,
      })
      .from(copies)
      .where(isAbandoned),
  );
  if (last.length === 0) return;
  const over = yield* rows(
    db
      .update(copies)
      .set({ ...ended, status: 'failed', reason: 'worker_lost', endedAt: database.now })
      .where(isAbandoned)
      .returning({ id: copies.id, endedAt: copies.endedAt }),
  );
  const ids_ = new Set(over.map(({ id }) => id));
  yield* recordLost(
    database,
    db,
    last.filter(({ id }) => ids_.has(id)),
    over[0]?.endedAt ?? 0,
  );
}
