import type { WebPushKeys } from '@tidings/contracts';
import { and, eq, gt, inArray, isNull, lt, lte, or, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { inPowersOfTwo, listValues, padded, placeholderRows, placeholders, rowValues } from '../prepared.ts';
import type { Tables } from '../schema/tables.ts';
import { type Decide, putAside } from './put-aside.ts';
import { selectOwnDevices } from './wishes.ts';

export type MessageRow = Tables['messages']['$inferSelect'];
type NotificationRow = Tables['notifications']['$inferSelect'];

/** Claims that may go without an outcome before the message ends as `unknown: worker_lost`. */
export const maxUnanswered = 50;

/** What a message says, and to whom: the part of its notification that delivery needs. */
export type Payload = Pick<
  NotificationRow,
  'id' | 'toName' | 'templateId' | 'content' | 'emailParts' | 'data' | 'locale' | 'recipientId' | 'category'
>;

/** A message that is ours to send until its lease ends. */
export interface Claimed {
  message: MessageRow;
  notification: Payload;
  /** Of the recipient's Web Push subscription that it goes to; null for every other address. */
  keys: WebPushKeys | null;
}

/** A message that is not ours to send, as it stands, and the database's time. */
export interface Refused {
  message: MessageRow;
  now: number;
}

export interface ClaimResult {
  claimed: Claimed[];
  /** Taken and put aside in the same commit, because of `decide`. */
  aside: Refused[];
  refused: Refused[];
}

export interface ClaimOptions {
  ids: string[];
  /** Fresh for every claim: it is what the leases are held under. */
  token: string;
  owner: string;
  leaseMs: number;
  unheardOf?: string[];
  decide?: Decide;
}

/**
 * Claims messages for sending: one guarded statement takes those that are due, open, unexpired and not
 * canceled, and not in the hands of another worker whose lease still runs. Each gets an attempt row before
 * anything is sent. An attempt that a dead worker left open is closed as `lost`.
 *
 * A message whose policy is to hold when in doubt is not taken from a dead worker: it may have been sent.
 *
 * `unheardOf` are tokens of earlier claims of the caller whose answer never came, because the database went
 * away meanwhile: they may have been committed, and nothing was sent under them.
 *
 * `decide` has the last word about each, in the same commit; without it everything is sent.
 */
export function claim(database: Database, options: ClaimOptions): Promise<ClaimResult> {
  const { ids, owner, token, decide } = options;
  const { messages, attempts } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const taken = yield* takeMessages(database, db, options);
    // What the statement saw as the time: an attempt that is closed here and an end share their instant.
    const at = (taken[0]?.leaseUntil ?? 0) - options.leaseMs;
    const leftOpen = taken.filter(({ unanswered }) => unanswered > 1).map(({ id }) => id);
    if (leftOpen.length > 0) {
      yield* rows(
        db
          .update(attempts)
          .set({ outcome: 'lost', reason: 'worker_lost', finishedAt: at })
          .where(and(inArray(attempts.messageId, leftOpen), eq(attempts.outcome, 'started')))
          .returning({ number: attempts.number }),
      );
    }
    const payloads = yield* selectPayloads(database, db, taken);
    const byId = new Map(payloads.map((row) => [row.id, row]));
    const withPayload = taken.map((message) => {
      const notification = byId.get(message.notificationId);
      if (notification === undefined) throw new Error(`message ${message.id} has no notification`);
      return { message, notification };
    });
    const candidates = withPayload.map(({ message, notification: { recipientId, category } }) => ({
      message,
      recipientId,
      category,
    }));
    const ownDevices = yield* selectOwnDevices(database, db, candidates);
    const aside =
      decide === undefined
        ? new Map<string, MessageRow>()
        : yield* putAside({ database, db, candidates, ownDevices, decide, token, now: at });
    const claimed = withPayload
      .filter(({ message }) => !aside.has(message.id))
      .map((one) => ({ ...one, keys: ownDevices.get(one.message.id) ?? null }));
    yield* startAttempts(
      database,
      db,
      claimed.map(({ message }) => message),
      owner,
    );
    const known = new Set(taken.map(({ id }) => id));
    const others = ids.filter((id) => !known.has(id));
    const refused =
      others.length === 0
        ? []
        : yield* rows(
            db.select({ message: messages, now }).from(messages).where(inArray(messages.id, others)),
          );
    return { claimed, aside: [...aside.values()].map((message) => ({ message, now: at })), refused };
  });
}

function* takeMessages(database: Database, db: Handle, options: ClaimOptions): Steps<MessageRow[]> {
  const { messages } = database.tables;
  const { now } = database;
  const ids = padded(options.ids);
  const unheardOf = padded(options.unheardOf ?? []);
  const abandoned = and(
    eq(messages.status, 'sending'),
    lt(messages.leaseUntil, now),
    eq(messages.onAmbiguous, 'resend'),
  );
  const neverBegun =
    unheardOf.length === 0
      ? undefined
      : and(
          eq(messages.status, 'sending'),
          inArray(messages.leaseToken, placeholders('unheardOf', unheardOf.length)),
        );
  return yield* rows(
    database.prepared(
      db,
      `claim_${ids.length}_${unheardOf.length}`,
      () =>
        db
          .update(messages)
          .set({
            status: 'sending',
            attempt: sql`${messages.attempt} + 1`,
            unanswered: sql`${messages.unanswered} + 1`,
            leaseToken: sql`${sql.placeholder('token')}`,
            leaseOwner: sql`${sql.placeholder('owner')}`,
            leaseUntil: sql`${now} + ${sql.placeholder('leaseMs')}`,
            firstClaimedAt: sql`coalesce(${messages.firstClaimedAt}, ${now})`,
          })
          .where(
            and(
              inArray(messages.id, placeholders('id', ids.length)),
              or(inArray(messages.status, ['queued', 'retrying']), abandoned, neverBegun),
              lte(messages.dueAt, now),
              gt(messages.expiresAt, now),
              isNull(messages.cancelRequestedAt),
              lt(messages.unanswered, maxUnanswered),
            ),
          )
          .returning(),
      {
        ...listValues('id', ids),
        ...listValues('unheardOf', unheardOf),
        token: options.token,
        owner: options.owner,
        leaseMs: options.leaseMs,
      },
    ),
  );
}

const attemptColumns = ['messageId', 'number', 'generation'] as const;

/** An open attempt for each message, before anything is sent. */
function* startAttempts(database: Database, db: Handle, claimed: MessageRow[], owner: string): Steps<void> {
  const { attempts } = database.tables;
  for (const piece of inPowersOfTwo(claimed)) {
    const started = piece.map(({ id, attempt, generation }) => ({
      messageId: id,
      number: attempt,
      generation,
    }));
    yield* rows(
      database.prepared(
        db,
        `start_attempts_${piece.length}`,
        () =>
          db
            .insert(attempts)
            .values(
              placeholderRows(attemptColumns, piece.length).map((row) => ({
                ...row,
                worker: sql.placeholder('owner'),
                startedAt: database.now,
                outcome: 'started' as const,
              })),
            )
            .returning({ number: attempts.number }),
        rowValues(attemptColumns, started, { owner }),
      ),
    );
  }
}

function* selectPayloads(database: Database, db: Handle, claimed: MessageRow[]): Steps<Payload[]> {
  const { notifications } = database.tables;
  const ids = padded([...new Set(claimed.map(({ notificationId }) => notificationId))]);
  if (ids.length === 0) return [];
  return yield* rows(
    database.prepared(
      db,
      `payloads_${ids.length}`,
      () =>
        db
          .select({
            id: notifications.id,
            toName: notifications.toName,
            templateId: notifications.templateId,
            content: notifications.content,
            emailParts: notifications.emailParts,
            data: notifications.data,
            locale: notifications.locale,
            recipientId: notifications.recipientId,
            category: notifications.category,
          })
          .from(notifications)
          .where(inArray(notifications.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
}
