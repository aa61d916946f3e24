import { type DescribedEmailParts, describeEmailParts } from '@tidings/contracts';
import { asc, eq, inArray } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import type { FeedbackRow } from './feedback.ts';
import { type AttemptRow, listNotifications, type NotificationWithMessages } from './read.ts';

export type PreferenceRow = Tables['preferences']['$inferSelect'];

/** A notification with its messages, and the attempts and feedback of each, all of them in their order. */
export interface NotificationRecord extends NotificationWithMessages {
  attempts: Map<string, AttemptRow[]>;
  feedback: Map<string, FeedbackRow[]>;
  emailParts: DescribedEmailParts | null;
}

/** What a recipient has said it wants. */
export async function preferencesOf(database: Database, recipientId: string): Promise<PreferenceRow[]> {
  const { preferences } = database.tables;
  return database.handle
    .select()
    .from(preferences)
    .where(eq(preferences.recipientId, recipientId))
    .orderBy(asc(preferences.channel), asc(preferences.category));
}

/** A page of a recipient's notifications with all that is held of them, as `listNotifications` pages. */
export async function recordOf(
  database: Database,
  projectId: string,
  page: { recipientId: string; limit: number; after?: string },
): Promise<NotificationRecord[]> {
  const { attempts, feedback } = database.tables;
  const found = await listNotifications(database, projectId, page);
  const ids = found.flatMap(({ messages }) => messages.map(({ id }) => id));
  const tries =
    ids.length === 0
      ? []
      : await database.handle
          .select()
          .from(attempts)
          .where(inArray(attempts.messageId, ids))
          .orderBy(asc(attempts.messageId), asc(attempts.number));
  const heard =
    ids.length === 0
      ? []
      : await database.handle
          .select()
          .from(feedback)
          .where(inArray(feedback.messageId, ids))
          .orderBy(asc(feedback.messageId), asc(feedback.at));
  const triesOf = Map.groupBy(tries, ({ messageId }) => messageId);
  const heardOf = Map.groupBy(heard, ({ messageId }) => messageId);
  const records: NotificationRecord[] = [];
  for (const one of found) {
    const emailParts = await partsOf(database, one.notification.id);
    records.push({ ...one, attempts: triesOf, feedback: heardOf, emailParts });
  }
  return records;
}

/** Read one by one: a page of attachments would be fifty megabytes. */
async function partsOf(database: Database, notificationId: string): Promise<DescribedEmailParts | null> {
  const { notifications } = database.tables;
  const [found] = await database.handle
    .select({ parts: notifications.emailParts })
    .from(notifications)
    .where(eq(notifications.id, notificationId));
  return found?.parts ? describeEmailParts(found.parts) : null;
}
