import { and, eq, inArray, ne, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { inPowersOfTwo, listValues, padded, placeholders } from '../../prepared.ts';
import type { CopyRow, CopySettled, CopySettlement, CopyVerdict } from './copy-types.ts';
import { ended } from './end-copies.ts';
import { recordLost } from './lost-attempts.ts';
import { findAttempts, type Known, recordAttempts } from './settled-attempts.ts';
import { noteOutcomes } from './subscription-health.ts';

/**
 * Records how attempts ended, many in one commit. The attempt is always put on record; when its lease was lost, that
 * is the one which was recorded as lost. The copy moves only under its current lease, with one exception: a delivery
 * wins over whatever became of the copy since, but for another delivery and for a resend. A copy that would be tried
 * again ends when its subscription was removed meanwhile, or its event erased; of the latter no answer is kept.
 *
 * In the same commit its subscription learns what came of it: since when it fails, until when it is held, that it is
 * disabled.
 */
export function settleCopies(database: Database, settlements: CopySettlement[]): Promise<CopySettled[]> {
  return database.commit(function* (db) {
    const known = yield* findAttempts(database, db, settlements);
    const at = yield* recordAttempts(database, db, known);
    const settled = new Map<CopySettlement, CopySettled['status']>();
    const delivered = known.filter(({ one, isHeld }) => isHeld && one.verdict.status === 'delivered');
    const moved = yield* settleDelivered(database, db, delivered, at);
    for (const { one } of delivered) if (moved.has(one.copyId)) settled.set(one, 'delivered');
    for (const attempt of known) {
      const { one, isHeld } = attempt;
      const { verdict } = one;
      if (verdict.status === 'delivered') {
        if (!isHeld && (yield* settleLate(database, db, attempt, verdict, at))) settled.set(one, 'delivered');
      } else if (isHeld) {
        const status = yield* settleFailure({ database, db, one, verdict, at });
        if (status !== undefined) settled.set(one, status);
      }
    }
    const told = known.flatMap(({ one, copy: { subscriptionId }, startedAt }) => {
      return settled.has(one) ? [{ subscriptionId, verdict: one.verdict, startedAt }] : [];
    });
    yield* noteOutcomes(database, db, told, at);
    return settlements.map((one) => ({ status: settled.get(one) ?? 'fenced' }));
  });
}

/** Deliveries under their leases. Answers the copies that they ended. */
function* settleDelivered(
  database: Database,
  db: Handle,
  delivered: Known[],
  at: number,
): Steps<Set<string>> {
  const { copies } = database.tables;
  const moved = new Set<string>();
  for (const piece of inPowersOfTwo(delivered)) {
    const tokens = padded([...new Set(piece.map(({ one }) => one.token))]);
    const caused = piece.map(({ one: { verdict } }) => causedBy(verdict));
    const isPlain = caused.every((notificationId) => notificationId === null);
    const build = () => {
      const cases = piece.map(
        (_, index) =>
          sql`when ${sql.placeholder(`id${index}`)} then cast(${sql.placeholder(`caused${index}`)} as text)`,
      );
      return db
        .update(copies)
        .set({
          ...ended,
          status: 'delivered',
          reason: null,
          endedAt: sql`${sql.placeholder('at')}`,
          ...(!isPlain && { notificationId: sql`case ${copies.id} ${sql.join(cases, sql` `)} end` }),
        })
        .where(
          and(
            inArray(copies.id, placeholders('id', piece.length)),
            inArray(copies.leaseToken, placeholders('token', tokens.length)),
            eq(copies.status, 'sending'),
          ),
        )
        .returning({ id: copies.id });
    };
    const name = `settle_delivered_${isPlain ? 'plain' : 'caused'}_${piece.length}_${tokens.length}`;
    const done: Array<{ id: string }> = yield* rows(
      database.prepared(db, name, build, {
        ...listValues(
          'id',
          piece.map(({ one }) => one.copyId),
        ),
        ...listValues('token', tokens),
        ...(!isPlain && listValues('caused', caused)),
        at,
      }),
    );
    for (const { id } of done) moved.add(id);
  }
  return moved;
}

function causedBy(verdict: CopyVerdict): string | null {
  return verdict.status === 'delivered' ? (verdict.notificationId ?? null) : null;
}

/** A delivery whose lease was lost. Whoever has the copy by now finds its own attempt on record as lost. */
function* settleLate(
  database: Database,
  db: Handle,
  { copy, number }: Known,
  verdict: CopyVerdict & { status: 'delivered' },
  at: number,
): Steps<boolean> {
  const { copies } = database.tables;
  const won = yield* rows(
    db
      .update(copies)
      .set({
        ...ended,
        status: 'delivered',
        reason: null,
        endedAt: at,
        ...(verdict.notificationId && { notificationId: verdict.notificationId }),
      })
      .where(and(eq(copies.id, copy.id), ne(copies.status, 'delivered'), notResentSince(database, number)))
      .returning({ id: copies.id }),
  );
  if (won.length === 0) return false;
  if (copy.status === 'sending') yield* recordLost(database, db, [copy], at);
  return true;
}

/**
 * A resend makes it queued, with a fresh budget. What is being handed over was not resent since that attempt when it
 * has failed meanwhile, or when the attempt is one of those that went without an outcome before this one.
 */
function notResentSince({ tables: { copies } }: Database, number: number): SQL | undefined {
  return and(
    ne(copies.status, 'queued'),
    or(
      ne(copies.status, 'sending'),
      sql`${copies.failures} > 0`,
      sql`${copies.attempt} - ${copies.unanswered} < ${number}`,
    ),
  );
}

const released = { leaseToken: null, leaseOwner: null, leaseUntil: null, unanswered: 0 };

function* settleFailure(options: {
  database: Database;
  db: Handle;
  one: CopySettlement;
  verdict: Exclude<CopyVerdict, { status: 'delivered' }>;
  at: number;
}): Steps<CopyRow['status'] | undefined> {
  const { database, db, one, verdict, at } = options;
  const { copies } = database.tables;
  const isRetry = verdict.status === 'retrying';
  const park = isRetry && verdict.park;
  const build = () =>
    db
      .update(copies)
      .set({
        ...released,
        failures: sql`${copies.failures} + ${sql.placeholder('counted')}`,
        ...(isRetry ? retried(database, park) : failed()),
      })
      .where(
        and(
          eq(copies.id, sql.placeholder('id')),
          eq(copies.leaseToken, sql.placeholder('token')),
          eq(copies.status, 'sending'),
        ),
      )
      .returning({ status: copies.status });
  const name = isRetry ? (park ? 'parked' : 'retried') : 'failed';
  const [moved] = yield* rows(
    database.prepared(db, `settle_copy_${name}`, build, {
      id: one.copyId,
      token: one.token,
      reason: verdict.reason,
      counted: verdict.countsFailure ? 1 : 0,
      at,
      ...(isRetry && { dueAt: at + Math.round(verdict.delayMs) }),
    }),
  );
  return moved?.status;
}

const placeholderOf = {
  reason: () => sql`cast(${sql.placeholder('reason')} as text)`,
  at: () => sql`cast(${sql.placeholder('at')} as bigint)`,
};

function failed() {
  return {
    status: 'failed' as const,
    reason: placeholderOf.reason(),
    place: null,
    endedAt: placeholderOf.at(),
  };
}

/** It waits for another try, unless nobody or nothing is left to try it with: then it ends. */
function retried({ tables: { copies, events, subscriptions } }: Database, park: boolean) {
  const isRemoved = sql`exists (
    select 1 from ${subscriptions}
    where ${subscriptions.id} = ${copies.subscriptionId} and ${subscriptions.removedAt} is not null)`;
  const isEmptied = sql`exists (
    select 1 from ${events} where ${events.id} = ${copies.eventId} and ${events.payloadRemovedAt} is not null)`;
  const unlessOver = (then: SQL, otherwise: SQL) =>
    sql`case when ${isRemoved} or ${isEmptied} then ${otherwise} else ${then} end`;
  return {
    status: unlessOver(sql`'retrying'`, sql`'skipped'`),
    reason: sql`case when ${isRemoved} then 'subscription_removed' when ${isEmptied} then 'payload_removed'
      else ${placeholderOf.reason()} end`,
    place: unlessOver(park ? sql`'store'` : sql`${copies.place}`, sql`null`),
    dueAt: sql`${sql.placeholder('dueAt')}`,
    endedAt: unlessOver(sql`null`, placeholderOf.at()),
    ...(park && { generation: sql`${copies.generation} + 1` }),
  };
}
