import type { CopyStatus } from '@tidings/contracts';
import { and, asc, eq, getTableColumns, gt, gte, inArray, isNull, lt, ne } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import type { EventRow } from './copy-types.ts';

const dayMs = 86_400_000;

/** An event without its data, and what became of it at a subscription; null where that has no copy of it. */
export type RecoverableEvent = Omit<EventRow, 'data'> & { copy: { id: string; status: CopyStatus } | null };

/**
 * Events of a project that were accepted from `since` until before `until` (milliseconds since the epoch), in the order
 * of their ids, after `after`; one more than `limit` when there are more. Neither those whose data is gone, nor tests,
 * which are for one subscription only.
 */
export async function recoverableEvents(
  { tables, handle }: Database,
  projectId: string,
  options: { subscriptionId: string; since: number; until: number; after?: string; limit: number },
): Promise<RecoverableEvent[]> {
  const { events, copies } = tables;
  const { subscriptionId, since, until, after, limit } = options;
  const { data: _, ...head } = getTableColumns(events);
  const found = await handle
    .select({ event: head, copy: { id: copies.id, status: copies.status } })
    .from(events)
    .leftJoin(copies, and(eq(copies.eventId, events.id), eq(copies.subscriptionId, subscriptionId)))
    .where(
      and(
        eq(events.projectId, projectId),
        // Ids begin with the time by the clock of who made them, which is not the database's.
        gt(events.id, [after ?? '', firstIdOf(since - dayMs)].sort().at(-1) ?? ''),
        lt(events.id, firstIdOf(until + dayMs)),
        gte(events.createdAt, since),
        lt(events.createdAt, until),
        isNull(events.payloadRemovedAt),
        ne(events.type, 'subscription.test'),
      ),
    )
    .orderBy(asc(events.id))
    .limit(limit + 1);
  return found.map(({ event, copy }) => ({ ...event, copy }));
}

/** The data of events. It may be a megabyte each: ask for few. */
export async function dataOfEvents(
  { tables: { events }, handle }: Database,
  ids: string[],
): Promise<Map<string, EventRow['data']>> {
  if (ids.length === 0) return new Map();
  const found = await handle
    .select({ id: events.id, data: events.data })
    .from(events)
    .where(inArray(events.id, ids));
  return new Map(found.map(({ id, data }) => [id, data]));
}

/** Before every id that was made at this time (RFC 9562 §5.7), and after all that were made earlier. */
function firstIdOf(ms: number): string {
  return `evt_${Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')}`;
}
