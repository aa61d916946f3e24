import {
  deliveredStatuses,
  endStatuses,
  type ListNotificationsInput,
  type NotificationStatus,
  openStatuses,
} from '@tidings/contracts';
import {
  and,
  asc,
  desc,
  eq,
  exists,
  getTableColumns,
  gt,
  inArray,
  lt,
  not,
  notInArray,
  type SQL,
} from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import type { MessageRow } from './claim.ts';
import type { FeedbackRow } from './feedback.ts';

export type AttemptRow = Tables['attempts']['$inferSelect'];
export type ReplayRow = Tables['replays']['$inferSelect'];

/** All of a notification but for the parts of its e-mail, which may be a hundred times as large as the rest. */
export type NotificationRow = Omit<Tables['notifications']['$inferSelect'], 'emailParts'>;

/** A notification with its messages, in the order they were accepted. */
export interface NotificationWithMessages {
  notification: NotificationRow;
  messages: MessageRow[];
}

export async function getNotification(
  database: Database,
  projectId: string,
  id: string,
): Promise<NotificationWithMessages | undefined> {
  const { notifications } = database.tables;
  const found = await database.handle
    .select(withoutEmailParts(notifications))
    .from(notifications)
    .where(and(eq(notifications.projectId, projectId), eq(notifications.id, id)));
  return (await withMessages(database, found))[0];
}

/** A message with everything that happened to it. */
export interface MessageWithHistory {
  message: MessageRow;
  attempts: AttemptRow[];
  replays: ReplayRow[];
  feedback: FeedbackRow[];
  sendAt: number | null;
  payloadRemovedAt: number | null;
}

/**
 * A message with its attempts, replays and feedback, first to last, when it was to be sent (null: at once), and since
 * when its payload is gone.
 */
export async function getMessage(
  database: Database,
  projectId: string,
  id: string,
): Promise<MessageWithHistory | undefined> {
  const { messages, attempts, replays, feedback, notifications } = database.tables;
  const [found] = await database.handle
    .select({
      message: messages,
      sendAt: notifications.sendAt,
      payloadRemovedAt: notifications.payloadRemovedAt,
    })
    .from(messages)
    .innerJoin(notifications, eq(notifications.id, messages.notificationId))
    .where(and(eq(messages.projectId, projectId), eq(messages.id, id)));
  if (found === undefined) return undefined;
  const tries = await database.handle
    .select()
    .from(attempts)
    .where(eq(attempts.messageId, id))
    .orderBy(asc(attempts.number));
  const again = await database.handle
    .select()
    .from(replays)
    .where(eq(replays.messageId, id))
    .orderBy(asc(replays.generation));
  const heard = await database.handle
    .select()
    .from(feedback)
    .where(eq(feedback.messageId, id))
    .orderBy(asc(feedback.at), asc(feedback.type), asc(feedback.eventId));
  return { ...found, attempts: tries, replays: again, feedback: heard };
}

/**
 * A page of notifications, newest first, with one more than asked for when there are more. `after` goes on
 * to older ones, `before` back to newer ones.
 */
export async function listNotifications(
  database: Database,
  projectId: string,
  input: ListNotificationsInput & { recipientId?: string },
): Promise<NotificationWithMessages[]> {
  const { notifications } = database.tables;
  const backwards = input.before !== undefined;
  const found = await database.handle
    .select(withoutEmailParts(notifications))
    .from(notifications)
    .where(
      and(
        eq(notifications.projectId, projectId),
        input.template === undefined ? undefined : eq(notifications.templateKey, input.template),
        input.lane === undefined ? undefined : eq(notifications.lane, input.lane),
        input.recipientId === undefined ? undefined : eq(notifications.recipientId, input.recipientId),
        input.after === undefined ? undefined : lt(notifications.id, input.after),
        input.before === undefined ? undefined : gt(notifications.id, input.before),
        input.status === undefined ? undefined : statusFilter(database, input.status),
      ),
    )
    .orderBy(backwards ? asc(notifications.id) : desc(notifications.id))
    .limit(input.limit + 1);
  return withMessages(database, found);
}

function withoutEmailParts(notifications: Tables['notifications']) {
  const { emailParts: _, ...columns } = getTableColumns(notifications);
  return columns;
}

/** The derived status as a condition: the same rules as `notificationStatus` in the contracts. */
function statusFilter(database: Database, status: NotificationStatus): SQL | undefined {
  const { notifications, messages } = database.tables;
  const some = (condition: SQL) =>
    exists(
      database.handle
        .select({ id: messages.id })
        .from(messages)
        .where(and(eq(messages.notificationId, notifications.id), condition)),
    );
  const someOpen = some(inArray(messages.status, [...openStatuses]));
  const someEnded = some(inArray(messages.status, [...endStatuses]));
  const someUndelivered = some(notInArray(messages.status, [...deliveredStatuses]));
  const conditions: Record<NotificationStatus, SQL | undefined> = {
    accepted: not(someEnded),
    partial: and(someOpen, someEnded),
    completed: not(someUndelivered),
    ended: and(not(someOpen), someUndelivered),
  };
  return conditions[status];
}

async function withMessages(
  database: Database,
  found: NotificationRow[],
): Promise<NotificationWithMessages[]> {
  if (found.length === 0) return [];
  const { messages } = database.tables;
  const theirs = await database.handle
    .select()
    .from(messages)
    .where(
      inArray(
        messages.notificationId,
        found.map(({ id }) => id),
      ),
    )
    .orderBy(asc(messages.id));
  const byNotification = Map.groupBy(theirs, ({ notificationId }) => notificationId);
  return found.map((notification) => ({
    notification,
    messages: byNotification.get(notification.id) ?? [],
  }));
}
