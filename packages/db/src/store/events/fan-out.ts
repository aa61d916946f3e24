import { and, inArray, isNull } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { derivedId } from '../../derived-ids.ts';
import { inPowersOfTwo, listValues, padded, placeholders } from '../../prepared.ts';
import { inPieces } from '../forget.ts';
import type { CopyEntry, EventRow, SubscriptionRow } from './copy-types.ts';
import { positionsOfTurn, takeTurn } from './fan-out-turn.ts';
import { type NewCopy, storeCopies } from './new-copies.ts';
import { type EventHead, openEvents, projectsWithOpenEvents } from './open-events.ts';

/**
 * Is the event for the subscription? `failed`: its filter could not be evaluated. Must be pure: on Postgres a commit
 * may run again. The data of an event is there where the subscription has a filter, and `{}` elsewhere.
 */
export type Matches = (subscription: SubscriptionRow, event: EventRow) => boolean | 'failed';

/** Copies after which a commit ends with the event that it is at. */
const enoughCopies = 5_000;
/** The same in milliseconds of matching: whoever else needs the process, or the database's lock, waits so long. */
const enoughMatchingMs = 100;
/** Events whose data is read at a time. It may be a megabyte each. */
const dataAtOnce = 20;
/** Projects whose events one commit takes up. */
const projectsAtOnce = 20;

/**
 * Gives every subscription its copy of the events that it is for, the oldest of each project first, in one commit: an
 * event has all of its copies or none. Those fill the window as far as `rooms` (of subscriptions, by id) reach and are
 * answered as entries; the others wait in SQL, and so do all of an ordered subscription. A subscription gets no event
 * that was accepted before it was made, and none while it is disabled. Of an event whose data was erased there is
 * nothing left to give.
 *
 * Projects share a commit alike, so that one with a million events delays no other. Those behind the project `after`
 * come first: with the `seenTo` of the last answer there each has its turn, however many there are.
 *
 * Two at once follow each other, so that the positions of ordered copies rise with what was seen before.
 */
export async function fanOut(
  database: Database,
  options: { limit?: number; rooms: ReadonlyMap<string, number>; matches: Matches; after?: string },
): Promise<{ events: number; entries: CopyEntry[]; seenTo: string }> {
  const { limit = 500, rooms, matches, after = '' } = options;
  const most = Math.min(limit, projectsAtOnce);
  const projects = await nextProjects(database, after, most);
  if (projects.length === 0) return { events: 0, entries: [], seenTo: '' };
  return database.commit(function* (db) {
    const turn = yield* takeTurn(database, db);
    const open = yield* openEvents(database, db, { projects, limit: Math.min(limit, positionsOfTurn) });
    const at = open[0]?.now ?? 0;
    const consumers = yield* selectConsumers(database, db, open);
    const room = new Map(rooms);
    const copies: NewCopy[] = [];
    let done = 0;
    let matchingMs = 0;
    const isEnough = () => copies.length >= enoughCopies || matchingMs >= enoughMatchingMs;
    for (const piece of inPieces(open, dataAtOnce)) {
      if (isEnough()) break;
      const data = yield* selectData(database, db, piece, consumers);
      for (const { now: _, ...head } of piece) {
        if (isEnough()) break;
        const beganAt = performance.now();
        const event = { ...head, data: data.get(head.id) ?? {} };
        const position = turn + done;
        for (const subscription of consumers.get(event.projectId) ?? []) {
          if (!mayGet(subscription, event)) continue;
          const match = matches(subscription, event);
          if (match === false) continue;
          const index = copies.length;
          copies.push(copyOf({ index, event, subscription, position, match, room, at }));
        }
        matchingMs += performance.now() - beganAt;
        done += 1;
      }
    }
    const stored = yield* storeCopies(database, db, copies);
    yield* noteFanOut(
      database,
      db,
      open.slice(0, done).map(({ id }) => id),
    );
    const entries = stored
      .filter(({ place }) => place === 'queue')
      .map(({ id, subscriptionId }) => ({ id, subscriptionId, generation: 0, delayMs: 0 }));
    const cutShortAt = done < open.length ? open[done - 1]?.projectId : undefined;
    const lastOfMore = projects.length < most ? '' : (projects.at(-1) ?? '');
    return { events: done, entries, seenTo: cutShortAt ?? lastOfMore };
  });
}

async function nextProjects(database: Database, after: string, limit: number): Promise<string[]> {
  const behind = await projectsWithOpenEvents(database, { after, limit });
  if (behind.length > 0 || after === '') return behind;
  return projectsWithOpenEvents(database, { after: '', limit });
}

/** The subscriptions of the events' projects that may get copies, by project. */
function* selectConsumers(
  database: Database,
  db: Handle,
  events: EventHead[],
): Steps<Map<string, SubscriptionRow[]>> {
  const { subscriptions } = database.tables;
  const projects = padded([...new Set(events.map(({ projectId }) => projectId))]);
  if (projects.length === 0) return new Map();
  const found: SubscriptionRow[] = yield* rows(
    database.prepared(
      db,
      `fan_out_consumers_${projects.length}`,
      () =>
        db
          .select()
          .from(subscriptions)
          .where(
            and(
              inArray(subscriptions.projectId, placeholders('project', projects.length)),
              isNull(subscriptions.removedAt),
              inArray(subscriptions.status, ['active', 'paused']),
            ),
          ),
      listValues('project', projects),
    ),
  );
  return Map.groupBy(found, ({ projectId }) => projectId);
}

/** The data of those events that a filter may be asked about. */
function* selectData(
  database: Database,
  db: Handle,
  heads: EventHead[],
  consumers: Map<string, SubscriptionRow[]>,
): Steps<Map<string, EventRow['data']>> {
  const { events } = database.tables;
  const asked = heads.filter((head) =>
    consumers.get(head.projectId)?.some((one) => one.filter !== null && mayGet(one, head)),
  );
  const ids = padded(asked.map(({ id }) => id));
  if (ids.length === 0) return new Map();
  const found = yield* rows(
    database.prepared(
      db,
      `fan_out_data_${ids.length}`,
      () =>
        db
          .select({ id: events.id, data: events.data })
          .from(events)
          .where(inArray(events.id, placeholders('id', ids.length))),
      listValues('id', ids),
    ),
  );
  return new Map(found.map(({ id, data }) => [id, data]));
}

/** What stands between them whatever the event says. A rule that made messages of happenings would make more of them. */
function mayGet({ createdAt, kind, ofHappenings }: SubscriptionRow, event: EventHead): boolean {
  if (event.createdAt < createdAt || event.payloadRemovedAt !== null) return false;
  return event.origin === 'application' || (ofHappenings && kind !== 'notify');
}

function copyOf(options: {
  index: number;
  event: EventRow;
  subscription: SubscriptionRow;
  position: number;
  match: true | 'failed';
  room: Map<string, number>;
  at: number;
}): NewCopy {
  const { index, event, subscription, position, match, room, at } = options;
  const common = {
    id: derivedId('copy', at, index, event.id, subscription.id),
    eventId: event.id,
    subscriptionId: subscription.id,
    projectId: event.projectId,
    position: subscription.ordered ? position : null,
    dueAt: at,
    createdAt: at,
  };
  if (match === 'failed')
    return { ...common, status: 'failed', reason: 'filter_failed', place: null, endedAt: at };
  return {
    ...common,
    status: 'queued',
    reason: null,
    place: takeRoom(subscription, room, at) ? 'queue' : 'store',
    endedAt: null,
  };
}

function takeRoom(subscription: SubscriptionRow, room: Map<string, number>, at: number): boolean {
  const { id, ordered, status, heldUntil, holds } = subscription;
  const left = room.get(id) ?? 0;
  if (left <= 0 || ordered || status !== 'active' || holds > 0 || (heldUntil ?? 0) > at) return false;
  room.set(id, left - 1);
  return true;
}

function* noteFanOut(database: Database, db: Handle, ids: string[]): Steps<void> {
  const { events } = database.tables;
  for (const piece of inPowersOfTwo(ids)) {
    yield* rows(
      database.prepared(
        db,
        `fanned_out_${piece.length}`,
        () =>
          db
            .update(events)
            .set({ fannedOutAt: database.now })
            .where(and(inArray(events.id, placeholders('id', piece.length)), isNull(events.fannedOutAt)))
            .returning({ id: events.id }),
        listValues('id', piece),
      ),
    );
  }
}
