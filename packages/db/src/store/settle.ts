import { type AttemptOutcome, type MessageStatus, type Reason, statusesBefore } from '@tidings/contracts';
import { and, eq, gt, inArray, isNotNull, isNull, ne, notExists, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { inPowersOfTwo, listValues, padded, placeholderRows, placeholders, rowValues } from '../prepared.ts';
import type { MessageRow } from './claim.ts';
import { deactivateDevice } from './devices.ts';
import { unlessInDoubt } from './doubt.ts';
import { isTold } from './events/happenings.ts';
import { type Moved, recordHappenings } from './events/message-happenings.ts';
import { forgetAnswers } from './forget.ts';
import { recordSuppressions, type Suppressing } from './suppressions.ts';

/** What a message becomes after an attempt. */
export type Verdict =
  | { status: 'sent' }
  | { status: 'failed' | 'bounced' | 'unknown' | 'skipped'; reason: Reason; countsFailure: boolean }
  | {
      status: 'retrying';
      reason: Reason;
      countsFailure: boolean;
      /** Milliseconds until the next try. */
      delayMs: number;
      /** Wait in SQL under a new generation instead of in the queue. */
      park: boolean;
    };

/** One attempt's end. */
export interface Settlement {
  messageId: string;
  /** The lease under which it was made. */
  token: string;
  attempt: number;
  generation: number;
  worker: string;
  outcome: AttemptOutcome;
  reason: Reason | null;
  /** Null where it did not come to one. */
  provider: string | null;
  /** The provider's own id of what it took. */
  providerMessageId?: string | null;
  code: string | null;
  response: string | null;
  verdict: Verdict;
  /** What a bounce needs to put the address of an e-mail on the list; without it the list stays as it is. */
  suppressing?: Suppressing;
}

/** `fenced`: the lease was lost meanwhile and the message was left as it is. */
export interface Settled {
  status: MessageStatus | 'fenced';
}

/**
 * Records how attempts ended, many in one commit. The attempt's row is always written. The message moves only
 * under its current lease, with one exception: a success wins over any status but a delivery, however late, and but
 * a bounce that its provider told of: that came after the success.
 * What would be retried ends instead when it was canceled meanwhile or would be due after it expires. A push
 * that bounces deactivates the device it was for in the same commit, an e-mail puts its address on the list of
 * suppressions. Of a message that was erased meanwhile, which
 * has no address any more, what the provider answered is not kept. What is in doubt, by this attempt or one before,
 * ends as unknown, unless it bounced: it may have been delivered, and nobody could say that it was not.
 */
export function settle(database: Database, settlements: Settlement[]): Promise<Settled[]> {
  return database.commit(function* (db) {
    // One instant for the whole commit: what an attempt ends, ended when the attempt did.
    const at = yield* recordAttempts(database, db, settlements);
    const successes = settlements.filter(({ verdict }) => verdict.status === 'sent');
    const moved: Moved[] = yield* settleSuccesses(database, db, successes, at);
    const sent = new Set(moved.map(({ id }) => id));
    const results: Settled[] = [];
    for (const one of settlements) {
      if (one.verdict.status === 'sent')
        results.push({ status: sent.has(one.messageId) ? 'sent' : 'fenced' });
      else {
        const failed = yield* settleFailure({ database, db, one, verdict: one.verdict, at });
        if (failed !== undefined) moved.push(failed);
        results.push({ status: failed?.status ?? 'fenced' });
      }
    }
    yield* recordHappenings(database, db, moved);
    const late = settlements.filter((_, index) => results[index]?.status === 'fenced');
    yield* forgetAnswers(database, db, yield* withoutAddress(database, db, late));
    return results;
  });
}

const attemptColumns = [
  'messageId',
  'number',
  'generation',
  'worker',
  'outcome',
  'reason',
  'provider',
  'providerMessageId',
  'code',
  'response',
] as const;

/** Writes how the attempts ended, also of those that are not on record; answers the instant it gave all of them. */
function* recordAttempts(database: Database, db: Handle, settlements: Settlement[]): Steps<number> {
  const { attempts } = database.tables;
  const at = sql<number>`coalesce(${sql.placeholder('at')}, ${database.now})`;
  let instant: number | null = null;
  for (const piece of inPowersOfTwo(settlements)) {
    const ended = piece.map(({ attempt, ...one }) => ({ ...one, number: attempt }));
    const written: Array<{ at: number | null }> = yield* rows(
      database.prepared(
        db,
        `record_attempts_${piece.length}`,
        () =>
          db
            .insert(attempts)
            .values(
              placeholderRows(attemptColumns, piece.length).map((row) => ({
                ...row,
                startedAt: at,
                finishedAt: at,
              })),
            )
            .onConflictDoUpdate({
              target: [attempts.messageId, attempts.number],
              set: {
                finishedAt: sql`excluded.finished_at`,
                outcome: sql`excluded.outcome`,
                reason: sql`excluded.reason`,
                provider: sql`excluded.provider`,
                providerMessageId: sql`excluded.provider_message_id`,
                code: sql`excluded.code`,
                response: sql`excluded.response`,
              },
            })
            .returning({ at: attempts.finishedAt }),
        rowValues(attemptColumns, ended, { at: instant }),
      ),
    );
    instant ??= written[0]?.at ?? null;
  }
  return instant ?? 0;
}

/** A success wins over any status but a delivery and a bounce told later. Answers the messages that it moved. */
function* settleSuccesses(
  database: Database,
  db: Handle,
  successes: Settlement[],
  at: number,
): Steps<Moved[]> {
  const { messages } = database.tables;
  const ids = padded(successes.map(({ messageId }) => messageId));
  if (ids.length === 0) return [];
  const moved = yield* rows(
    database.prepared(
      db,
      `settle_sent_${ids.length}`,
      () =>
        db
          .update(messages)
          .set({ ...ended, status: 'sent', reason: null, endedAt: sql`${sql.placeholder('at')}` })
          .where(
            and(
              inArray(messages.id, placeholders('id', ids.length)),
              inArray(messages.status, statusesBefore('sent')),
              or(ne(messages.status, 'bounced'), notExists(bouncesOf(database, db))),
            ),
          )
          .returning({
            id: messages.id,
            isErased: sql<unknown>`${messages.address} is null`,
            isTold: isTold(database),
          }),
      { ...listValues('id', ids), at },
    ),
  );
  yield* forgetAnswers(
    database,
    db,
    moved.flatMap(({ id, isErased }) => (isErased ? [id] : [])),
  );
  return moved;
}

function bouncesOf({ tables: { messages, feedback } }: Database, db: Handle) {
  return db
    .select({ at: feedback.at })
    .from(feedback)
    .where(and(eq(feedback.messageId, messages.id), eq(feedback.type, 'bounced')));
}

/** Those of the messages that were erased. */
function* withoutAddress(
  { tables: { messages } }: Database,
  db: Handle,
  settlements: Settlement[],
): Steps<string[]> {
  if (settlements.length === 0) return [];
  const ids = settlements.map(({ messageId }) => messageId);
  const found = yield* rows(
    db
      .select({ id: messages.id })
      .from(messages)
      .where(and(inArray(messages.id, ids), isNull(messages.address))),
  );
  return found.map(({ id }) => id);
}

const released = { leaseToken: null, leaseOwner: null, leaseUntil: null, unanswered: 0 };
const ended = { ...released, place: null };

function* settleFailure(options: {
  database: Database;
  db: Handle;
  one: Settlement;
  verdict: Exclude<Verdict, { status: 'sent' }>;
  at: number;
}): Steps<(Moved & { status: MessageStatus }) | undefined> {
  const { database, db, one, verdict, at } = options;
  const { messages } = database.tables;
  const held = and(
    eq(messages.id, one.messageId),
    eq(messages.leaseToken, one.token),
    eq(messages.status, 'sending'),
  );
  const mayBeInDoubt = verdict.status !== 'bounced' && (one.attempt > 1 || one.outcome === 'ambiguous');
  const failures = verdict.countsFailure ? sql`${messages.failures} + 1` : messages.failures;
  function* end(status: MessageStatus, reason: Reason, where = held) {
    const moved = yield* rows(
      db
        .update(messages)
        .set({
          ...ended,
          ...(mayBeInDoubt ? unlessInDoubt(database, status, reason) : { status, reason }),
          failures: sql`${failures}`,
          endedAt: at,
        })
        .where(where)
        .returning({
          id: messages.id,
          status: messages.status,
          projectId: messages.projectId,
          channel: messages.channel,
          platform: messages.platform,
          address: messages.address,
          isTold: isTold(database),
        }),
    );
    if (moved.some(({ address }) => address === null)) yield* forgetAnswers(database, db, [one.messageId]);
    return moved;
  }
  if (verdict.status !== 'retrying') {
    const [moved] = yield* end(verdict.status, verdict.reason);
    if (moved && verdict.status === 'bounced') {
      yield* deactivateDevice(database, db, moved, at);
      yield* suppressAddress(database, db, one, moved);
    }
    return moved;
  }
  const dueAt = at + Math.round(verdict.delayMs);
  const retried = yield* rows(
    db
      .update(messages)
      .set({
        ...released,
        status: 'retrying',
        reason: verdict.reason,
        failures: sql`${failures}`,
        dueAt,
        ...(verdict.park && { place: 'store', generation: sql`${messages.generation} + 1` }),
      })
      .where(and(held, isNull(messages.cancelRequestedAt), gt(messages.expiresAt, dueAt)))
      .returning({ id: messages.id, status: messages.status }),
  );
  // A wait is no happening.
  if (retried[0] !== undefined) return { ...retried[0], isTold: false };
  const canceled = and(held, isNotNull(messages.cancelRequestedAt));
  const erased = and(canceled, isNull(messages.address));
  return (
    (yield* end('skipped', 'erased', erased))[0] ??
    (yield* end('canceled', 'canceled_by_request', canceled))[0] ??
    (yield* end('expired', 'expired'))[0]
  );
}

/** Of an e-mail only: a device that is no more is deactivated, and may be registered again. */
function* suppressAddress(
  database: Database,
  db: Handle,
  { messageId, suppressing }: Settlement,
  { projectId, channel, address }: Pick<MessageRow, 'projectId' | 'channel' | 'address'>,
): Steps<void> {
  if (channel !== 'email' || address === null || suppressing === undefined) return;
  yield* recordSuppressions({
    database,
    db,
    projectId,
    addresses: [{ channel, address, reason: 'hard_bounce', messageId }],
    ...suppressing,
  });
}
