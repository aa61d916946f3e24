import type { EventOrigin } from '@tidings/contracts';
import { and, eq, getTableColumns } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import { type Page, pageById } from '../pages.ts';
import type { EventRow } from './copy-types.ts';

/** All of an event but its data, which may be a thousand times as large as the rest. */
export type EventHead = Omit<EventRow, 'data'>;

/** What a page of events is asked with. */
export interface EventFilters extends Page {
  type?: string;
  subject?: string;
  origin?: EventOrigin;
}

/** One event, by our own id (evt_…) or by the publisher's, which is once in a source. */
export async function findEvent(
  database: Database,
  projectId: string,
  id: string,
  source: string,
): Promise<EventRow | undefined> {
  const { events } = database.tables;
  const isOurs = id.startsWith('evt_');
  const [found] = await database.handle
    .select()
    .from(events)
    .where(
      and(
        eq(events.projectId, projectId),
        isOurs ? eq(events.id, id) : and(eq(events.source, source), eq(events.externalId, id)),
      ),
    );
  return found;
}

/** A page of events, newest first, with one more than asked for when there are more. */
export async function listEvents(
  database: Database,
  projectId: string,
  { type, subject, origin, ...page }: EventFilters,
): Promise<EventHead[]> {
  const { events } = database.tables;
  const { from, order, limit } = pageById(events.id, page);
  const { data: _, ...head } = getTableColumns(events);
  return database.handle
    .select(head)
    .from(events)
    .where(
      and(
        eq(events.projectId, projectId),
        from,
        type === undefined ? undefined : eq(events.type, type),
        subject === undefined ? undefined : eq(events.subject, subject),
        origin === undefined ? undefined : eq(events.origin, origin),
      ),
    )
    .orderBy(order)
    .limit(limit);
}

/**
 * A page of what is held of events about one of these subjects, as `listEvents` pages. Each subject is asked for by
 * itself: for several in the order of ids, SQLite would walk through all events of the project.
 */
export async function eventsAbout(
  database: Database,
  projectId: string,
  subjects: string[],
  page: Page,
): Promise<EventRow[]> {
  const { events } = database.tables;
  const { from, order, limit } = pageById(events.id, page);
  const pages = await Promise.all(
    [...new Set(subjects)].map((subject) =>
      database.handle
        .select()
        .from(events)
        .where(and(eq(events.projectId, projectId), eq(events.subject, subject), from))
        .orderBy(order)
        .limit(limit),
    ),
  );
  const isBackwards = page.before !== undefined;
  const byId = (one: EventRow, other: EventRow) => (one.id < other.id === isBackwards ? -1 : 1);
  return pages.flat().sort(byId).slice(0, limit);
}
