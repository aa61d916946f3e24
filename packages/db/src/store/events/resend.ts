import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { type Database, rows } from '../../database.ts';
import { derivedId } from '../../derived-ids.ts';
import { type Recorded, recordChange } from '../audit.ts';
import { takeTurn } from './fan-out-turn.ts';
import { storeCopies } from './new-copies.ts';

/**
 * Takes copies of a project back out of their end and queues them again, delivered ones too, under a new generation
 * and with a fresh budget; what they caused stays on record. Answers the ids of those it could: not what is still
 * open, nor what has no data any more, nor what is of a subscription that was removed. With `recorded` a row of the
 * audit trail counts them, if there are any. At most a few thousand ids a call.
 */
export function resendCopies(
  database: Database,
  projectId: string,
  ids: string[],
  recorded?: Recorded,
): Promise<string[]> {
  const { copies, events, subscriptions } = database.tables;
  return database.commit(function* (db) {
    const hasData = sql`exists (
      select 1 from ${events} where ${events.id} = ${copies.eventId} and ${events.payloadRemovedAt} is null)`;
    const hasConsumer = sql`exists (
      select 1 from ${subscriptions}
      where ${subscriptions.id} = ${copies.subscriptionId} and ${subscriptions.removedAt} is null)`;
    const resent = yield* rows(
      db
        .update(copies)
        .set({
          status: 'queued',
          reason: null,
          place: 'store',
          generation: sql`${copies.generation} + 1`,
          dueAt: database.now,
          failures: 0,
          unanswered: 0,
          endedAt: null,
        })
        .where(
          and(
            eq(copies.projectId, projectId),
            inArray(copies.id, ids),
            inArray(copies.status, ['delivered', 'failed', 'skipped']),
            hasData,
            hasConsumer,
          ),
        )
        .returning({ id: copies.id }),
    );
    if (recorded !== undefined && resent.length > 0) {
      const { actor, change } = recorded;
      const fields = [...(change.fields ?? []), `resent ${resent.length}`];
      yield* recordChange(database, db, actor, { ...change, fields });
    }
    return resent.map(({ id }) => id);
  });
}

/**
 * Gives a subscription copies of events that it has none of, in their order, whatever it matches. Answers the copies'
 * ids. None of events of other projects or without data, nor for a subscription that was removed. With `recorded` a row
 * of the audit trail counts them, if there are any. At most a thousand ids a call.
 */
export function makeCopies(
  database: Database,
  projectId: string,
  { subscriptionId, eventIds }: { subscriptionId: string; eventIds: string[] },
  recorded?: Recorded,
): Promise<string[]> {
  const { events, subscriptions } = database.tables;
  return database.commit(function* (db) {
    // As in a fan-out, and for its reason: positions follow each other.
    const turn = yield* takeTurn(database, db);
    const [subscription] = yield* rows(
      db
        .select({ id: subscriptions.id, ordered: subscriptions.ordered, now: database.now })
        .from(subscriptions)
        .where(
          and(
            eq(subscriptions.id, subscriptionId),
            eq(subscriptions.projectId, projectId),
            isNull(subscriptions.removedAt),
          ),
        ),
    );
    if (subscription === undefined) return [];
    const { ordered, now } = subscription;
    const found = yield* rows(
      db
        .select({ id: events.id })
        .from(events)
        .where(
          and(inArray(events.id, eventIds), eq(events.projectId, projectId), isNull(events.payloadRemovedAt)),
        )
        .orderBy(events.createdAt, events.id),
    );
    const made = yield* storeCopies(
      database,
      db,
      found.map(({ id: eventId }, index) => ({
        id: derivedId('copy', now, index, eventId, subscriptionId),
        eventId,
        subscriptionId,
        projectId,
        status: 'queued',
        reason: null,
        place: 'store',
        position: ordered ? turn + index : null,
        dueAt: now,
        createdAt: now,
        endedAt: null,
      })),
    );
    if (recorded !== undefined && made.length > 0) {
      const { actor, change } = recorded;
      const fields = [...(change.fields ?? []), `made ${made.length}`];
      yield* recordChange(database, db, actor, { ...change, fields });
    }
    return made.map(({ id }) => id);
  });
}
