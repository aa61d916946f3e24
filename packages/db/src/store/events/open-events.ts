import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import type { EventRow } from './copy-types.ts';

/** An event without its data, which may be large. */
export type EventHead = Omit<EventRow, 'data'>;

/**
 * The projects behind `after` that have events which were not fanned out yet, by their ids, `limit` at most: a loose
 * index scan, which neither dialect makes by itself. From project to project it is one search of the index, however
 * much each has waiting.
 */
export async function projectsWithOpenEvents(
  database: Database,
  values: { after: string; limit: number },
): Promise<string[]> {
  const { events } = database.tables;
  const build = () => {
    const next = sql`
      select min(${events.projectId}) from ${events}
      where ${isNull(events.fannedOutAt)} and ${events.projectId} > hop.id`;
    const walk = sql`
      with recursive hop(id, number) as (
        select cast(${sql.placeholder('after')} as text), 0
        union all
        select (${next}), number + 1 from hop where id is not null and number < ${sql.placeholder('limit')}
      )
      select id from hop where number > 0 and id is not null`;
    return database.handle.select({ id: sql<string>`id` }).from(sql`(${walk}) as walked`).orderBy(sql`id`);
  };
  const found = await database.read(
    database.prepared(database.handle, 'projects_with_open_events', build, values),
  );
  return found.map(({ id }) => id);
}

/**
 * Events of these projects that were not fanned out yet, `limit` at most but one of each: the first of each project,
 * then the second of each, and so on, so that whoever takes only some of them takes from every project.
 */
export function* openEvents(
  database: Database,
  db: Handle,
  { projects, limit }: { projects: string[]; limit: number },
): Steps<Array<EventHead & { now: number }>> {
  const share = Math.max(1, Math.floor(limit / projects.length));
  const theirs: Array<Array<EventHead & { now: number }>> = [];
  for (const projectId of projects)
    theirs.push(yield* rows(selectOpen(database, db, { projectId, limit: share })));
  return Array.from({ length: share }, (_, rank) => theirs.flatMap((events) => events[rank] ?? [])).flat();
}

function selectOpen(database: Database, db: Handle, values: { projectId: string; limit: number }) {
  const { events } = database.tables;
  const build = () =>
    db
      .select({
        id: events.id,
        projectId: events.projectId,
        externalId: events.externalId,
        source: events.source,
        requestHash: events.requestHash,
        origin: events.origin,
        type: events.type,
        subject: events.subject,
        occurredAt: events.occurredAt,
        createdAt: events.createdAt,
        fannedOutAt: events.fannedOutAt,
        payloadRemovedAt: events.payloadRemovedAt,
        now: database.now,
      })
      .from(events)
      .where(and(isNull(events.fannedOutAt), eq(events.projectId, sql.placeholder('projectId'))))
      .orderBy(asc(events.createdAt), asc(events.id))
      .limit(sql.placeholder('limit'));
  return database.prepared(db, 'open_events', build, values);
}
