import type { EventOrigin, JsonObject } from '@tidings/contracts';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { inPowersOfTwo, placeholderRows, rowValues } from '../../prepared.ts';

const columns = [
  'id',
  'projectId',
  'externalId',
  'source',
  'requestHash',
  'origin',
  'type',
  'subject',
  'data',
] as const;

/** An event, ready to be stored. */
export interface NewEvent {
  id: string;
  projectId: string;
  /** The publisher's own id of it; without one it is never a repeat. */
  externalId: string | null;
  /** Empty unless it was named. */
  source: string;
  /** Of the request; null without an id. */
  requestHash: string | null;
  origin: EventOrigin;
  type: string;
  subject: string | null;
  /** Milliseconds since the epoch; left out it is now, by the database's clock. */
  occurredAt?: number;
  data: JsonObject;
}

/**
 * `stored`: this request made the event. `replayed`: an equal request did, here is its event. `conflict`: the id
 * belongs to another event.
 */
export type PublishResult =
  | { kind: 'stored' }
  | { kind: 'replayed'; id: string; type: string }
  | { kind: 'conflict' };

/** What the first event with an id was. */
export interface FirstEvent {
  id: string;
  type: string;
  requestHash: string | null;
}

/**
 * Stores many events in one commit, all at one instant. Two that share a project, source and id, in the same call or
 * not, make one event: the unique index decides who is first, the others get what it says.
 */
export function publish(database: Database, items: NewEvent[]): Promise<PublishResult[]> {
  return database.commit(function* (db) {
    const stored = yield* storeEvents(database, db, items);
    const lost = items.filter(({ id }) => !stored.has(id));
    const earlier = lost.length === 0 ? [] : yield* rows(selectByIds(database, db, lost));
    return items.map(({ id, projectId, source, externalId, requestHash }): PublishResult => {
      if (stored.has(id)) return { kind: 'stored' };
      const first = earlier.find(
        (row) => row.projectId === projectId && row.source === source && row.externalId === externalId,
      );
      if (first === undefined) throw new Error(`event ${id} was neither stored nor found`);
      return first.requestHash === requestHash
        ? { kind: 'replayed', id: first.id, type: first.type }
        : { kind: 'conflict' };
    });
  });
}

/** Stores those whose id is new; answers which. */
function* storeEvents(database: Database, db: Handle, items: NewEvent[]): Steps<Set<string>> {
  const { events } = database.tables;
  const stored = new Set<string>();
  // That of the first statement, for all of the commit: statements have clocks of their own.
  let at: number | null = null;
  for (const piece of inPowersOfTwo(items)) {
    const won: Array<{ id: string; createdAt: number }> = yield* rows(
      database.prepared(
        db,
        `publish_${piece.length}`,
        () => {
          const now = sql`coalesce(cast(${sql.placeholder('at')} as bigint), ${database.now})`;
          return db
            .insert(events)
            .values(
              placeholderRows(columns, piece.length).map((row, index) => ({
                ...row,
                occurredAt: sql`coalesce(cast(${sql.placeholder(`occurredAt${index}`)} as bigint), ${now})`,
                createdAt: now,
              })),
            )
            .onConflictDoNothing()
            .returning({ id: events.id, createdAt: events.createdAt });
        },
        rowValues(columns, piece, {
          at,
          ...Object.fromEntries(
            piece.map(({ occurredAt }, index) => [`occurredAt${index}`, occurredAt ?? null]),
          ),
        }),
      ),
    );
    for (const { id } of won) stored.add(id);
    at ??= won[0]?.createdAt ?? null;
  }
  return stored;
}

function selectByIds({ tables: { events } }: Database, db: Handle, losers: NewEvent[]) {
  const distinct = (values: string[]) => [...new Set(values)];
  const projects = distinct(losers.map(({ projectId }) => projectId));
  const sources = distinct(losers.map(({ source }) => source));
  const ids = distinct(losers.map(({ externalId }) => externalId ?? ''));
  return db
    .select({
      id: events.id,
      type: events.type,
      projectId: events.projectId,
      source: events.source,
      externalId: events.externalId,
      requestHash: events.requestHash,
    })
    .from(events)
    .where(
      and(
        projects.length === 1 ? eq(events.projectId, projects[0] ?? '') : inArray(events.projectId, projects),
        sources.length === 1 ? eq(events.source, sources[0] ?? '') : inArray(events.source, sources),
        inArray(events.externalId, ids),
      ),
    );
}

/** What the project's first event with this id of this source was. */
export async function findFirstEvent(
  database: Database,
  projectId: string,
  source: string,
  externalId: string,
): Promise<FirstEvent | undefined> {
  const { events } = database.tables;
  const [found] = await database.handle
    .select({ id: events.id, type: events.type, requestHash: events.requestHash })
    .from(events)
    .where(
      and(eq(events.projectId, projectId), eq(events.source, source), eq(events.externalId, externalId)),
    );
  return found;
}
