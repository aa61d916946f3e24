import { openStatuses } from '@tidings/contracts';
import { and, asc, eq, inArray, isNull } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import type { MessageRow } from './claim.ts';
import { unlessInDoubt } from './doubt.ts';
import { isTold } from './events/happenings.ts';
import { recordHappenings } from './events/message-happenings.ts';

/**
 * Asks that a notification's messages not be sent: what waits is canceled at once, what is being sent is
 * marked and ends canceled where it would be retried; what is in doubt ends as unknown, for it may have arrived.
 * Answers all its messages as they stand then; none when the project has no such notification.
 */
export function cancel(database: Database, projectId: string, notificationId: string): Promise<MessageRow[]> {
  const { messages } = database.tables;
  const { now } = database;
  const theirs = and(eq(messages.notificationId, notificationId), eq(messages.projectId, projectId));
  return database.commit(function* (db) {
    yield* rows(
      db
        .update(messages)
        .set({ cancelRequestedAt: now })
        .where(and(theirs, inArray(messages.status, [...openStatuses]), isNull(messages.cancelRequestedAt)))
        .returning({ id: messages.id }),
    );
    const canceled = yield* rows(
      db
        .update(messages)
        .set({ ...unlessInDoubt(database, 'canceled', 'canceled_by_request'), place: null, endedAt: now })
        .where(and(theirs, inArray(messages.status, ['scheduled', 'queued', 'retrying'])))
        .returning({ id: messages.id, isTold: isTold(database) }),
    );
    yield* recordHappenings(database, db, canceled);
    return yield* rows(db.select().from(messages).where(theirs).orderBy(asc(messages.id)));
  });
}
