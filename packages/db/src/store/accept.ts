import type { SendOutput } from '@tidings/contracts';
import { and, eq, inArray } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { inPowersOfTwo, placeholderRows, rowValues } from '../prepared.ts';
import type { Tables } from '../schema/tables.ts';
import { projectsThatAsk } from './events/happenings.ts';
import { recordHappenings } from './events/message-happenings.ts';

const notificationColumns = [
  'id',
  'projectId',
  'idempotencyKey',
  'requestHash',
  'recipientId',
  'toName',
  'templateId',
  'templateKey',
  'templateVersion',
  'content',
  'emailParts',
  'data',
  'metadata',
  'locale',
  'lane',
  'category',
  'sendAt',
  'expiresAt',
  'answer',
] as const;

const messageColumns = [
  'id',
  'notificationId',
  'projectId',
  'channel',
  'lane',
  'status',
  'reason',
  'address',
  'platform',
  'onAmbiguous',
  'place',
  'dueAt',
  'expiresAt',
  'createdAt',
  'endedAt',
] as const;

type NewNotification = Pick<Tables['notifications']['$inferInsert'], (typeof notificationColumns)[number]>;
type NewMessage = Omit<
  Pick<Tables['messages']['$inferInsert'], (typeof messageColumns)[number]>,
  'createdAt' | 'dueAt' | 'endedAt'
> & {
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

/**
 * Stores many notifications in one commit. Two that share a project and idempotency key, in the same call or
 * not, make one notification: the unique index decides who is first, the others get what it says.
 */
export function accept(database: Database, items: AcceptItem[]): Promise<AcceptResult[]> {
  const { notifications } = database.tables;
  return database.commit(function* (db) {
    const won = yield* storeNotifications(database, db, items);
    const stored = new Set(won.map(({ id }) => id));
    const winners = items.filter(({ notification }) => stored.has(notification.id));
    // One instant for all of the commit.
    yield* storeMessages(database, db, winners, won[0]?.createdAt ?? 0);
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

/** Stores those whose key is new; answers which. */
function* storeNotifications(
  database: Database,
  db: Handle,
  items: AcceptItem[],
): Steps<Array<{ id: string; createdAt: number }>> {
  const { notifications } = database.tables;
  const won: Array<{ id: string; createdAt: number }> = [];
  for (const piece of inPowersOfTwo(items)) {
    const stored: typeof won = yield* rows(
      database.prepared(
        db,
        `accept_notifications_${piece.length}`,
        () =>
          db
            .insert(notifications)
            .values(
              placeholderRows(notificationColumns, piece.length).map((row) => ({
                ...row,
                createdAt: database.now,
              })),
            )
            .onConflictDoNothing()
            .returning({ id: notifications.id, createdAt: notifications.createdAt }),
        rowValues(
          notificationColumns,
          piece.map(({ notification }) => notification),
        ),
      ),
    );
    won.push(...stored);
  }
  return won;
}

function* storeMessages(database: Database, db: Handle, items: AcceptItem[], now: number): Steps<void> {
  const { messages } = database.tables;
  const all = items.flatMap((item) =>
    item.messages.map((message) => ({
      ...message,
      createdAt: now,
      dueAt: message.dueAt ?? now,
      endedAt: message.place === null ? now : null,
    })),
  );
  for (const piece of inPowersOfTwo(all)) {
    yield* rows(
      database.prepared(
        db,
        `accept_messages_${piece.length}`,
        () =>
          db
            .insert(messages)
            .values(placeholderRows(messageColumns, piece.length))
            .returning({ id: messages.id }),
        rowValues(messageColumns, piece),
      ),
    );
  }
  const ended = all.filter(({ endedAt }) => endedAt !== null);
  if (ended.length === 0) return;
  const asking = yield* projectsThatAsk(
    database,
    db,
    ended.map(({ projectId }) => projectId),
  );
  const moved = ended.map(({ id, projectId }) => ({ id, isTold: asking.has(projectId) }));
  yield* recordHappenings(database, db, moved);
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
