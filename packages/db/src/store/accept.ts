import type { SendOutput } from '@tidings/contracts';
import { and, eq, inArray } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

type NewNotification = Omit<Tables['notifications']['$inferInsert'], 'createdAt'>;
type NewMessage = Omit<Tables['messages']['$inferInsert'], 'createdAt' | 'dueAt' | 'endedAt'> & {
  /** Milliseconds since the epoch; left out it is due now, by the database's clock. */
  dueAt?: number;
};

/** A notification and its messages, ready to be stored. */
export interface AcceptItem {
  notification: NewNotification;
  messages: NewMessage[];
}

/**
 * `stored`: this request made the notification. `replayed`: an equal request did, here is its answer.
 * `conflict`: the idempotency key belongs to another request.
 */
export type AcceptResult =
  | { kind: 'stored' }
  | { kind: 'replayed'; answer: SendOutput }
  | { kind: 'conflict' };

// SQLite binds at most 32,766 values a statement; a message has 24 columns.
const maxRowsPerStatement = 1000;

/**
 * Stores many notifications in one commit. Two that share a project and idempotency key, in the same call or
 * not, make one notification: the unique index decides who is first, the others get what it says.
 */
export function accept(database: Database, items: AcceptItem[]): Promise<AcceptResult[]> {
  const { notifications, messages } = database.tables;
  const { now } = database;
  return database.commit(function* (db) {
    const won = yield* rows(
      db
        .insert(notifications)
        .values(items.map(({ notification }) => ({ ...notification, createdAt: now })))
        .onConflictDoNothing()
        .returning({ id: notifications.id }),
    );
    const stored = new Set(won.map(({ id }) => id));
    const newMessages = items
      .filter(({ notification }) => stored.has(notification.id))
      .flatMap((item) => item.messages)
      .map((message) => ({
        ...message,
        createdAt: now,
        dueAt: message.dueAt ?? now,
        endedAt: message.place === null ? now : null,
      }));
    for (let from = 0; from < newMessages.length; from += maxRowsPerStatement) {
      const chunk = newMessages.slice(from, from + maxRowsPerStatement);
      yield* rows(db.insert(messages).values(chunk).returning({ id: messages.id }));
    }
    const lost = items.filter(({ notification }) => !stored.has(notification.id));
    const earlier = lost.length === 0 ? [] : yield* rows(selectByKeys(lost));
    return items.map(({ notification }): AcceptResult => {
      if (stored.has(notification.id)) return { kind: 'stored' };
      const first = earlier.find(
        (row) =>
          row.projectId === notification.projectId && row.idempotencyKey === notification.idempotencyKey,
      );
      if (first === undefined)
        throw new Error(`notification ${notification.id} was neither stored nor found`);
      return first.requestHash === notification.requestHash
        ? { kind: 'replayed', answer: first.answer }
        : { kind: 'conflict' };
    });

    function selectByKeys(losers: AcceptItem[]) {
      const projects = [...new Set(losers.map(({ notification }) => notification.projectId))];
      const keys = [...new Set(losers.map(({ notification }) => notification.idempotencyKey ?? ''))];
      return db
        .select({
          projectId: notifications.projectId,
          idempotencyKey: notifications.idempotencyKey,
          requestHash: notifications.requestHash,
          answer: notifications.answer,
        })
        .from(notifications)
        .where(
          and(
            projects.length === 1
              ? eq(notifications.projectId, projects[0] ?? '')
              : inArray(notifications.projectId, projects),
            inArray(notifications.idempotencyKey, keys),
          ),
        );
    }
  });
}

/** What the project's first request with this idempotency key was, and what it was answered. */
export async function findAnswer(
  database: Database,
  projectId: string,
  idempotencyKey: string,
): Promise<{ requestHash: string | null; answer: SendOutput } | undefined> {
  const { notifications } = database.tables;
  const [found] = await database.handle
    .select({ requestHash: notifications.requestHash, answer: notifications.answer })
    .from(notifications)
    .where(and(eq(notifications.projectId, projectId), eq(notifications.idempotencyKey, idempotencyKey)));
  return found;
}
