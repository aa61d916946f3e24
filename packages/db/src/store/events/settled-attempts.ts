import { eq, inArray, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import {
  inPowersOfTwo,
  listValues,
  padded,
  placeholderRows,
  placeholders,
  rowValues,
} from '../../prepared.ts';
import type { CopyRow, CopySettlement } from './copy-types.ts';
import { findLost } from './lost-attempts.ts';

/** A settlement of an attempt that is known. */
export interface Known {
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
> & {
  /** Since when its event has no data any more. */
  payloadRemovedAt: number | null;
};

/** Which attempts the settlements speak of; of two that speak of one the first. */
export function* findAttempts(database: Database, db: Handle, settlements: CopySettlement[]): Steps<Known[]> {
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
  const { copies, events } = database.tables;
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
            payloadRemovedAt: events.payloadRemovedAt,
          })
          .from(copies)
          .innerJoin(events, eq(events.id, copies.eventId))
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
export function* recordAttempts(database: Database, db: Handle, known: Known[]): Steps<number> {
  const { copyAttempts } = database.tables;
  let instant: number | null = null;
  for (const piece of inPowersOfTwo(known)) {
    const made = piece.map(({ one, copy, number, generation, startedAt }) => ({
      ...one,
      // It may quote what was erased.
      response: copy.payloadRemovedAt === null ? one.response : null,
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
