import { and, eq, inArray, lt, lte, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { listValues, padded, placeholders } from '../../prepared.ts';
import { maxUnanswered } from '../claim.ts';
import { consumerOf, isFree, isItsTurn, takesCopies } from './claimable-copies.ts';
import type { ClaimedCopy, CopyRow, EventRow, RefusedCopy, SubscriptionRow } from './copy-types.ts';
import { ended } from './end-copies.ts';
import { type CurrentAttempt, recordLost } from './lost-attempts.ts';
import { refuse } from './refuse-copies.ts';

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
