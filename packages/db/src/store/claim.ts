import { and, eq, gt, inArray, isNull, lt, lte, or, sql } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

export type MessageRow = Tables['messages']['$inferSelect'];
export type NotificationRow = Tables['notifications']['$inferSelect'];

/** Claims that may go without an outcome before the message ends as `unknown: worker_lost`. */
export const maxUnanswered = 50;

/** A message that is ours to send until its lease ends. */
export interface Claimed {
  message: MessageRow;
  notification: NotificationRow;
}

/** A message that was not ours to take, as it stands, and the database's time. */
export interface Refused {
  message: MessageRow;
  now: number;
}

export interface ClaimResult {
  claimed: Claimed[];
  refused: Refused[];
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
 */
export function claim(
  database: Database,
  options: { ids: string[]; token: string; owner: string; leaseMs: number; unheardOf?: string[] },
): Promise<ClaimResult> {
  const { ids, token, owner, leaseMs, unheardOf = [] } = options;
  const { messages, attempts, notifications } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const abandoned = and(
      eq(messages.status, 'sending'),
      lt(messages.leaseUntil, now),
      eq(messages.onAmbiguous, 'resend'),
    );
    const neverBegun =
      unheardOf.length === 0
        ? undefined
        : and(eq(messages.status, 'sending'), inArray(messages.leaseToken, unheardOf));
    const claimed = yield* rows(
      db
        .update(messages)
        .set({
          status: 'sending',
          attempt: sql`${messages.attempt} + 1`,
          unanswered: sql`${messages.unanswered} + 1`,
          leaseToken: token,
          leaseOwner: owner,
          leaseUntil: sql`${now} + ${leaseMs}`,
          firstClaimedAt: sql`coalesce(${messages.firstClaimedAt}, ${now})`,
        })
        .where(
          and(
            inArray(messages.id, ids),
            or(inArray(messages.status, ['queued', 'retrying']), abandoned, neverBegun),
            lte(messages.dueAt, now),
            gt(messages.expiresAt, now),
            isNull(messages.cancelRequestedAt),
            lt(messages.unanswered, maxUnanswered),
          ),
        )
        .returning(),
    );
    const taken = new Set(claimed.map(({ id }) => id));
    const leftOpen = claimed.filter(({ unanswered }) => unanswered > 1).map(({ id }) => id);
    if (leftOpen.length > 0) {
      yield* rows(
        db
          .update(attempts)
          .set({ outcome: 'lost', reason: 'worker_lost', finishedAt: now })
          .where(and(inArray(attempts.messageId, leftOpen), eq(attempts.outcome, 'started')))
          .returning({ number: attempts.number }),
      );
    }
    if (claimed.length > 0) {
      yield* rows(
        db
          .insert(attempts)
          .values(
            claimed.map((message) => ({
              messageId: message.id,
              number: message.attempt,
              generation: message.generation,
              worker: owner,
              startedAt: now,
              outcome: 'started' as const,
            })),
          )
          .returning({ number: attempts.number }),
      );
    }
    const payloads =
      claimed.length === 0
        ? []
        : yield* rows(
            db
              .select()
              .from(notifications)
              .where(inArray(notifications.id, [...new Set(claimed.map((m) => m.notificationId))])),
          );
    const byId = new Map(payloads.map((row) => [row.id, row]));
    const others = ids.filter((id) => !taken.has(id));
    const refused =
      others.length === 0
        ? []
        : yield* rows(
            db.select({ message: messages, now }).from(messages).where(inArray(messages.id, others)),
          );
    return {
      claimed: claimed.map((message) => {
        const notification = byId.get(message.notificationId);
        if (notification === undefined) throw new Error(`message ${message.id} has no notification`);
        return { message, notification };
      }),
      refused,
    };
  });
}
