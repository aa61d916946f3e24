import type { JsonObject } from '@tidings/contracts';
import { and, eq, isNull } from 'drizzle-orm';
import { type Database, rows, type Steps } from '../../database.ts';
import { type Recorded, recordChange } from '../audit.ts';
import { takeTurn } from './fan-out-turn.ts';
import { storeCopies } from './new-copies.ts';

/**
 * Stores an event of type `subscription.test` with its one copy, for this subscription: no fan-out sees it. False when
 * there is no such subscription.
 */
export function makeTestCopy(
  database: Database,
  projectId: string,
  test: { subscriptionId: string; eventId: string; copyId: string; data: JsonObject },
  { actor, change }: Recorded,
): Promise<boolean> {
  const { events, subscriptions } = database.tables;
  const { subscriptionId, eventId, copyId, data } = test;
  return database.commit(function* (db): Steps<boolean> {
    const position = yield* takeTurn(database, db);
    const [subscription] = yield* rows(
      db
        .select({ ordered: subscriptions.ordered, now: database.now })
        .from(subscriptions)
        .where(
          and(
            eq(subscriptions.projectId, projectId),
            eq(subscriptions.id, subscriptionId),
            isNull(subscriptions.removedAt),
          ),
        ),
    );
    if (subscription === undefined) return false;
    const { ordered, now: at } = subscription;
    yield* rows(
      db
        .insert(events)
        .values({
          id: eventId,
          projectId,
          origin: 'tidings',
          source: 'tidings',
          type: 'subscription.test',
          data,
          occurredAt: at,
          createdAt: at,
          fannedOutAt: at,
        })
        .returning({ id: events.id }),
    );
    yield* storeCopies(database, db, [
      {
        id: copyId,
        eventId,
        subscriptionId,
        projectId,
        status: 'queued',
        reason: null,
        place: 'store',
        position: ordered ? position : null,
        dueAt: at,
        createdAt: at,
        endedAt: null,
      },
    ]);
    yield* recordChange(database, db, actor, change);
    return true;
  });
}
