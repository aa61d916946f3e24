import type { Happening, JsonObject } from '@tidings/contracts';
import { and, inArray, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { derivedId } from '../../derived-ids.ts';
import {
  inPowersOfTwo,
  listValues,
  padded,
  placeholderRows,
  placeholders,
  rowValues,
} from '../../prepared.ts';
import type { SubscriptionRow } from './copy-types.ts';

/** Something that happened in Tidings itself, ready to become an event. */
export interface Happened {
  projectId: string;
  type: Happening;
  /** What an erasure finds it by. */
  subject: string | null;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  data: JsonObject;
  /** The database's time, in milliseconds since the epoch. */
  now: number;
  /** What tells it from whatever else happens in the same millisecond. */
  facts: string[];
}

/**
 * A column for RETURNING of a statement that moves messages: is the move told, since the project has a subscription
 * that asks for happenings? Asked there it is asked in the same moment and costs no statement of its own. One that is
 * paused or disabled asks too: it may be taken up again, and recover what came meanwhile.
 */
export function isTold(database: Database): SQL<unknown> {
  const { messages, subscriptions } = database.tables;
  const asking = sql`select 1 from ${subscriptions}
    where ${subscriptions.projectId} = ${messages.projectId} and ${asksForHappenings(database)}`;
  return sql<unknown>`exists (${asking})`;
}

/** One step of a commit, for what moves no message: those of the projects that have a subscription that asks. */
export function* projectsThatAsk(
  database: Database,
  db: Handle,
  projectIds: readonly string[],
): Steps<Set<string>> {
  const { subscriptions } = database.tables;
  const ids = padded([...new Set(projectIds)]);
  if (ids.length === 0) return new Set();
  const found = yield* rows(
    database.prepared(
      db,
      `projects_that_ask_${ids.length}`,
      () =>
        db
          .select({ projectId: subscriptions.projectId })
          .from(subscriptions)
          .where(
            and(
              inArray(subscriptions.projectId, placeholders('id', ids.length)),
              asksForHappenings(database),
            ),
          ),
      listValues('id', ids),
    ),
  );
  return new Set(found.map(({ projectId }) => projectId));
}

/** The condition of the index `subscriptions_of_happenings`, word for word, so that SQLite uses it. */
function asksForHappenings({ tables: { subscriptions } }: Database): SQL {
  return sql`${subscriptions.ofHappenings} and ${subscriptions.removedAt} is null`;
}

const columns = [
  'id',
  'projectId',
  'origin',
  'source',
  'type',
  'subject',
  'occurredAt',
  'data',
  'createdAt',
] as const;

/**
 * Steps of a commit: makes events of what happened in it, so that they are on record if and only if it is. They have
 * no key that would make two of them one: what they tell of is a guarded move, or a row that is new, and so happens
 * once.
 */
export function* storeHappenings(database: Database, db: Handle, happened: readonly Happened[]): Steps<void> {
  const { events } = database.tables;
  const news = happened.map(({ facts, now, ...one }, index) => ({
    ...one,
    id: derivedId('event', now, index, one.projectId, one.type, ...facts),
    origin: 'tidings',
    source: 'tidings',
    createdAt: now,
  }));
  for (const piece of inPowersOfTwo(news)) {
    yield* rows(
      database.prepared(
        db,
        `store_happenings_${piece.length}`,
        () => db.insert(events).values(placeholderRows(columns, piece.length)).returning({ id: events.id }),
        rowValues(columns, piece),
      ),
    );
  }
}

/**
 * Steps of a commit that disables a subscription: tells so, if its project has one that asks.
 *
 * @param now the database's time, in milliseconds since the epoch
 */
export function* happeningOfSubscription(
  database: Database,
  db: Handle,
  subscription: Pick<SubscriptionRow, 'id' | 'projectId' | 'name' | 'kind' | 'reason'>,
  now: number,
): Steps<void> {
  const { id, projectId, name, kind, reason } = subscription;
  const asking = yield* projectsThatAsk(database, db, [projectId]);
  if (!asking.has(projectId)) return;
  const disabled: Happened = {
    projectId,
    type: 'subscription.disabled',
    subject: id,
    occurredAt: now,
    data: { subscriptionId: id, name, kind, reason },
    now,
    facts: [id],
  };
  yield* storeHappenings(database, db, [disabled]);
}
