import { and, eq, inArray, ne, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import {
  inPowersOfTwo,
  listValues,
  padded,
  placeholderRows,
  placeholders,
  rowValues,
} from '../../prepared.ts';
import type { CopyRow, CopySettled, CopySettlement, CopyVerdict } from './copy-types.ts';
import { ended } from './end-copies.ts';
import { findLost, recordLost } from './lost-attempts.ts';
import { noteOutcomes } from './subscription-health.ts';

/** A settlement of an attempt that is known. */
interface Known {
  one: CopySettlement;
  copy: CopyBefore;
  number: number;
  generation: number;
  startedAt: number | null;
  /** Is the lease still that of the settlement? */
  isHeld: boolean;
}

type CopyBefore = Pick<
  CopyRow,
  'id' | 'subscriptionId' | 'status' | 'attempt' | 'generation' | 'leaseToken' | 'leaseOwner' | 'claimedAt'
>;

/**
 * Records how attempts ended, many in one commit. The attempt is always put on record; when its lease was lost, that
 * is the one which was recorded as lost. The copy moves only under its current lease, with one exception: a delivery
 * wins over whatever became of the copy since, but for another delivery and for a resend. A copy that would be tried
 * again ends when its subscription was removed meanwhile.
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

/** Which attempts the settlements speak of; of two that speak of one the first. */
function* findAttempts(database: Database, db: Handle, settlements: CopySettlement[]): Steps<Known[]> {
  const before = yield* selectBefore(database, db, settlements);
  const isHeld = ({ copyId, token }: CopySettlement) => {
    const copy = before.get(copyId);
    return copy?.status === 'sending' && copy.leaseToken === token;
  };
  const late = settlements.filter((one) => before.has(one.copyId) && !isHeld(one));
  const lost = yield* findLost(database, db, late);
  const known = new Map<string, Known>();
  for (const one of settlements) {
    const copy = before.get(one.copyId);
    if (copy === undefined) continue;
    const held = isHeld(one);
    const attempt = held
      ? { number: copy.attempt, generation: copy.generation, startedAt: copy.claimedAt }
      : lost.get(one.copyId);
    if (attempt === undefined) continue;
    const key = `${copy.id} ${attempt.number}`;
    if (!known.has(key)) known.set(key, { one, copy, isHeld: held, ...attempt });
  }
  return [...known.values()];
}

function* selectBefore(
  database: Database,
  db: Handle,
  settlements: CopySettlement[],
): Steps<Map<string, CopyBefore>> {
  const { copies } = database.tables;
  const ids = padded([...new Set(settlements.map(({ copyId }) => copyId))]);
  if (ids.length === 0) return new Map();
  const found = yield* rows(
    database.prepared(
      db,
      `copies_to_settle_${ids.length}`,
      () =>
        db
          .select({
            id: copies.id,
            subscriptionId: copies.subscriptionId,
            status: copies.status,
            attempt: copies.attempt,
            generation: copies.generation,
            leaseToken: copies.leaseToken,
            leaseOwner: copies.leaseOwner,
            claimedAt: copies.claimedAt,
          })
          .from(copies)
          .where(inArray(copies.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
  return new Map(found.map((copy) => [copy.id, copy]));
}

const attemptColumns = [
  'copyId',
  'number',
  'generation',
  'worker',
  'startedAt',
  'outcome',
  'reason',
  'code',
  'response',
] as const;

/** Writes how the attempts ended; answers the instant it gave all of them. */
function* recordAttempts(database: Database, db: Handle, known: Known[]): Steps<number> {
  const { copyAttempts } = database.tables;
  let instant: number | null = null;
  for (const piece of inPowersOfTwo(known)) {
    const made = piece.map(({ one, number, generation, startedAt }) => ({
      ...one,
      number,
      generation,
      startedAt,
    }));
    const written: Array<{ at: number }> = yield* rows(
      database.prepared(
        db,
        `record_copy_attempts_${piece.length}`,
        () => {
          const at = sql`coalesce(cast(${sql.placeholder('at')} as bigint), ${database.now})`;
          return db
            .insert(copyAttempts)
            .values(placeholderRows(attemptColumns, piece.length).map((row) => ({ ...row, finishedAt: at })))
            .onConflictDoUpdate({
              target: [copyAttempts.copyId, copyAttempts.number],
              set: {
                worker: sql`excluded.worker`,
                finishedAt: sql`excluded.finished_at`,
                outcome: sql`excluded.outcome`,
                reason: sql`excluded.reason`,
                code: sql`excluded.code`,
                response: sql`excluded.response`,
              },
            })
            .returning({ at: copyAttempts.finishedAt });
        },
        rowValues(attemptColumns, made, { at: instant }),
      ),
    );
    instant ??= written[0]?.at ?? null;
  }
  return instant ?? 0;
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
  const { copies, subscriptions } = database.tables;
  const isRetry = verdict.status === 'retrying';
  const counted = verdict.countsFailure ? 1 : 0;
  const kind = isRetry ? (verdict.park ? 'parked' : 'retrying') : 'failed';
  const build = () => {
    const isRemoved = sql`exists (select 1 from ${subscriptions} where ${subscriptions.id} = ${copies.subscriptionId} and ${subscriptions.removedAt} is not null)`;
    const unlessRemoved = (then: unknown, otherwise: unknown) =>
      isRetry ? sql`case when ${isRemoved} then ${otherwise} else ${then} end` : sql`${otherwise}`;
    return db
      .update(copies)
      .set({
        ...released,
        failures: sql`${copies.failures} + ${sql.placeholder('counted')}`,
        status: isRetry ? unlessRemoved(sql`'retrying'`, sql`'skipped'`) : 'failed',
        reason: isRetry
          ? unlessRemoved(sql.placeholder('reason'), sql`'subscription_removed'`)
          : sql`${sql.placeholder('reason')}`,
        place: isRetry ? unlessRemoved(kind === 'parked' ? sql`'store'` : copies.place, sql`null`) : null,
        endedAt: isRetry ? unlessRemoved(sql`null`, at_()) : at_(),
        ...(isRetry && { dueAt: sql`${sql.placeholder('dueAt')}` }),
        ...(kind === 'parked' && { generation: sql`${copies.generation} + 1` }),
      })
      .where(
        and(
          eq(copies.id, sql.placeholder('id')),
          eq(copies.leaseToken, sql.placeholder('token')),
          eq(copies.status, 'sending'),
        ),
      )
      .returning({ status: copies.status });
  };
  const [moved] = yield* rows(
    database.prepared(db, `settle_copy_${kind}`, build, {
      id: one.copyId,
      token: one.token,
      reason: verdict.reason,
      counted,
      at,
      ...(isRetry && { dueAt: at + Math.round(verdict.delayMs) }),
    }),
  );
  return moved?.status;
}

const at_ = () => sql`cast(${sql.placeholder('at')} as bigint)`;
