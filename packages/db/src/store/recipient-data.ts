import { asc, eq, inArray } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type AttemptRow, listNotifications, type NotificationWithMessages } from './read.ts';

export type PreferenceRow = Tables['preferences']['$inferSelect'];

/** A notification with its messages and the attempts of each, all of them in their order. */
export interface NotificationRecord extends NotificationWithMessages {
  attempts: Map<string, AttemptRow[]>;
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
  const { attempts } = database.tables;
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
  const byMessage = Map.groupBy(tries, ({ messageId }) => messageId);
  return found.map((one) => ({ ...one, attempts: byMessage }));
}
