import { type Happening, isHappening } from '@tidings/contracts';
import { eq, inArray } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { inPowersOfTwo, listValues, placeholders } from '../../prepared.ts';
import type { Tables } from '../../schema/tables.ts';
import { type Happened, storeHappenings } from './happenings.ts';

type MessageRow = Tables['messages']['$inferSelect'];
type NotificationRow = Tables['notifications']['$inferSelect'];

/** A message that a statement of this commit moved, and whether that is told: see `isTold`. */
export interface Moved {
  id: string;
  isTold: unknown;
}

/** Something to be told of a message. */
export interface Told {
  messageId: string;
  /** What it is; left out, the message's status says it, if that is one to be told of. */
  type?: Happening;
  /** When it happened, in milliseconds since the epoch; left out, when the message ended. */
  at?: number;
  /** What tells it from others of its type; left out, there is one at a time. */
  eventId?: string;
}

/**
 * Steps of a commit, after those that move messages: tells of the moves that are to be told, by where the messages
 * stand now. What waits or is on its way is no happening.
 */
export function* recordHappenings(database: Database, db: Handle, moved: readonly Moved[]): Steps<void> {
  const told = moved.flatMap(({ id, isTold }): Told[] => (isTold ? [{ messageId: id }] : []));
  if (told.length === 0) return;
  const happened = yield* happenedTo(database, db, told);
  yield* storeHappenings(database, db, happened);
}

/**
 * One step of a commit: what is told of messages, as they stand. It says where each came from and what became of it,
 * and nothing that an address, a name or a text could be in but the application's own metadata.
 */
export function* happenedTo(database: Database, db: Handle, told: readonly Told[]): Steps<Happened[]> {
  const standing = new Map<string, Standing>();
  for (const piece of inPowersOfTwo([...new Set(told.map(({ messageId }) => messageId))])) {
    for (const one of yield* selectStanding(database, db, piece)) standing.set(one.message.id, one);
  }
  return told.flatMap((one) => {
    const found = standing.get(one.messageId);
    if (found === undefined) return [];
    const { message, notification, now } = found;
    const { type = `message.${message.status}`, at = message.endedAt ?? now, eventId = '' } = one;
    if (!isHappening(type)) return [];
    const { recipientId, payloadRemovedAt } = notification;
    return [
      {
        projectId: message.projectId,
        type,
        // What tells nothing of the person any more is not to be found: it may be the erasure that is told.
        subject: payloadRemovedAt === null ? (recipientId ?? message.notificationId) : null,
        occurredAt: at,
        data: {
          messageId: message.id,
          notificationId: message.notificationId,
          channel: message.channel,
          status: message.status,
          reason: message.reason,
          template: notification.template,
          category: notification.category,
          recipientId,
          metadata: notification.metadata,
        },
        now,
        facts: [message.id, eventId],
      },
    ];
  });
}

/** How a message stands, and what is told of its notification. */
interface Standing {
  message: Pick<
    MessageRow,
    'id' | 'projectId' | 'notificationId' | 'channel' | 'status' | 'reason' | 'endedAt'
  >;
  notification: Pick<NotificationRow, 'category' | 'recipientId' | 'metadata' | 'payloadRemovedAt'> & {
    template: string | null;
  };
  now: number;
}

function* selectStanding(database: Database, db: Handle, ids: string[]): Steps<Standing[]> {
  const { messages, notifications } = database.tables;
  return yield* rows(
    database.prepared(
      db,
      `standing_${ids.length}`,
      () =>
        db
          .select({
            message: {
              id: messages.id,
              projectId: messages.projectId,
              notificationId: messages.notificationId,
              channel: messages.channel,
              status: messages.status,
              reason: messages.reason,
              endedAt: messages.endedAt,
            },
            notification: {
              template: notifications.templateKey,
              category: notifications.category,
              recipientId: notifications.recipientId,
              metadata: notifications.metadata,
              payloadRemovedAt: notifications.payloadRemovedAt,
            },
            now: database.now,
          })
          .from(messages)
          .innerJoin(notifications, eq(notifications.id, messages.notificationId))
          .where(inArray(messages.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
}
