import { deliveredStatuses, hasEnded, type ReplayRefusal, replayableStatuses } from '@tidings/contracts';
import { and, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { type Recorded, recordChange } from './audit.ts';
import type { MessageRow } from './claim.ts';
import { inPieces } from './forget.ts';

/** A message to be sent again. */
export interface Replayed {
  id: string;
  /** The version that it is rendered with from now on; null for the one it was accepted with. */
  templateId: string | null;
}

/** A message that is not sent again, and why. */
export interface SkippedReplay {
  id: string;
  reason: ReplayRefusal;
}

/**
 * Takes messages back out of their end and queues them again, as they were accepted, under a new generation and with
 * a fresh budget. Answers the ids of those it could: not what was sent, nor what is still open, nor what has no
 * address to be sent to. At most a few thousand ids a call.
 */
export function replay(database: Database, ids: string[]): Promise<string[]> {
  return database.commit((db) => takeBack(database, db, ids, null));
}

/**
 * The same for messages of a project, each with a version of its own, and with a row in the audit trail that counts
 * them, if there are any. Answers those that it had to pass over, since they are not what they were when they were
 * looked at.
 */
export function replayMessages(
  database: Database,
  messages: Replayed[],
  skippedBefore: number,
  { actor, change }: Recorded,
): Promise<SkippedReplay[]> {
  return database.commit(function* (db) {
    const taken = new Set<string>();
    for (const [templateId, theirs] of Map.groupBy(messages, (one) => one.templateId)) {
      const ids = theirs.map(({ id }) => id);
      for (const id of yield* takeBack(database, db, ids, templateId)) taken.add(id);
    }
    const skipped = messages
      .filter(({ id }) => !taken.has(id))
      .map(({ id }) => ({ id, reason: 'open' as const }));
    if (taken.size === 0) return skipped;
    const counts = [`replayed ${taken.size}`, `skipped ${skippedBefore + skipped.length}`];
    yield* recordChange(database, db, actor, { ...change, fields: [...(change.fields ?? []), ...counts] });
    return skipped;
  });
}

/**
 * Steps of a commit. A message past its time gets the time it was given first once more; one that still has time
 * keeps its expiry, which may be the moment after which it makes no sense. Its first claim stays on record, so that
 * every copy has one identity. What it left in doubt stays with the end that is taken back.
 */
function* takeBack(
  database: Database,
  db: Handle,
  ids: string[],
  templateId: string | null,
): Steps<string[]> {
  const { messages, notifications, replays } = database.tables;
  const { now } = database;
  const lifetimeMs = db
    .select({
      ms: sql`${notifications.expiresAt} - coalesce(${notifications.sendAt}, ${notifications.createdAt})`,
    })
    .from(notifications)
    .where(eq(notifications.id, messages.notificationId));
  const mayBeSentAgain = (candidates: string[]) =>
    and(
      inArray(messages.id, candidates),
      inArray(messages.status, [...replayableStatuses]),
      isNotNull(messages.address),
    );
  const ends = yield* rows(
    db
      .select({
        id: messages.id,
        status: messages.status,
        reason: messages.reason,
        endedAt: messages.endedAt,
      })
      .from(messages)
      .where(mayBeSentAgain(ids)),
  );
  if (ends.length === 0) return [];
  const replayed = yield* rows(
    db
      .update(messages)
      .set({
        status: 'queued',
        reason: null,
        templateId,
        place: 'store',
        generation: sql`${messages.generation} + 1`,
        dueAt: now,
        expiresAt: sql`case when ${messages.expiresAt} <= ${now} then ${now} + (${lifetimeMs}) else ${messages.expiresAt} end`,
        failures: 0,
        unanswered: 0,
        leaseToken: null,
        leaseOwner: null,
        leaseUntil: null,
        cancelRequestedAt: null,
        endedAt: null,
      })
      .where(mayBeSentAgain(ends.map(({ id }) => id)))
      .returning({ messageId: messages.id, generation: messages.generation, at: messages.dueAt }),
  );
  if (replayed.length === 0) return [];
  const endOf = new Map(ends.map(({ id, ...end }) => [id, end]));
  const records = replayed.flatMap((one) => {
    const end = endOf.get(one.messageId);
    return end === undefined ? [] : [{ ...one, ...end, templateId }];
  });
  yield* rows(db.insert(replays).values(records).returning({ id: replays.messageId }));
  return replayed.map(({ messageId }) => messageId);
}

/** A message that somebody wants to be sent again. */
export interface ReplayCandidate {
  id: string;
  notificationId: string;
  channel: MessageRow['channel'];
  /** The key and the version it was accepted with; null where it has content of its own. */
  templateKey: string | null;
  templateId: string | null;
  /** Undefined where nothing stands against it. */
  refusal: ReplayRefusal | undefined;
}

/** Messages of a project by their ids, in any order; those that there are. */
export async function replayCandidates(
  { tables, handle }: Database,
  projectId: string,
  ids: string[],
): Promise<ReplayCandidate[]> {
  const { messages, notifications, recipients } = tables;
  const found = await handle
    .select({
      id: messages.id,
      notificationId: messages.notificationId,
      channel: messages.channel,
      status: messages.status,
      address: messages.address,
      templateKey: notifications.templateKey,
      templateId: notifications.templateId,
      payloadRemovedAt: notifications.payloadRemovedAt,
      erasedAt: recipients.erasedAt,
    })
    .from(messages)
    .innerJoin(notifications, eq(notifications.id, messages.notificationId))
    .leftJoin(recipients, eq(recipients.id, notifications.recipientId))
    .where(and(eq(messages.projectId, projectId), inArray(messages.id, ids)));
  return found.map(({ status, address, payloadRemovedAt, erasedAt, ...rest }) => ({
    ...rest,
    refusal: refusalOf({ status, address, payloadRemovedAt, erasedAt }),
  }));
}

function refusalOf({
  status,
  address,
  payloadRemovedAt,
  erasedAt,
}: Pick<MessageRow, 'status' | 'address'> & {
  payloadRemovedAt: number | null;
  erasedAt: number | null;
}): ReplayRefusal | undefined {
  if (!hasEnded(status)) return 'open';
  if ((deliveredStatuses as readonly string[]).includes(status)) return 'delivered';
  if (erasedAt !== null) return 'erased';
  if (payloadRemovedAt !== null) return 'payload_removed';
  return address === null ? 'no_address' : undefined;
}

/** The data of notifications, by their ids. It may be a megabyte each. */
export async function dataOf(
  { tables: { notifications }, handle }: Database,
  ids: string[],
): Promise<Map<string, Record<string, unknown>>> {
  const data = new Map<string, Record<string, unknown>>();
  for (const some of inPieces(ids, 500)) {
    const found = await handle
      .select({ id: notifications.id, data: notifications.data })
      .from(notifications)
      .where(inArray(notifications.id, some));
    for (const one of found) data.set(one.id, one.data);
  }
  return data;
}

/** Makes messages of the window that wait for a later time due now. Answers the ids of those that did. */
export async function hasten(database: Database, ids: string[]): Promise<string[]> {
  const { messages } = database.tables;
  const hastened = await database.handle
    .update(messages)
    .set({ dueAt: database.now })
    .where(
      and(
        inArray(messages.id, ids),
        inArray(messages.status, ['queued', 'retrying']),
        eq(messages.place, 'queue'),
        gt(messages.dueAt, database.now),
      ),
    )
    .returning({ id: messages.id });
  return hastened.map(({ id }) => id);
}
