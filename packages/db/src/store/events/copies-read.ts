import type { CopyStatus } from '@tidings/contracts';
import { and, asc, eq, getTableColumns, inArray, isNotNull, isNull, type SQL } from 'drizzle-orm';
import type { Database } from '../../database.ts';
import { type Page, pageById } from '../pages.ts';
import type { CopyAttemptRow, CopyRow, SubscriptionRow } from './copy-types.ts';

/** A copy, with what is to be known of its subscription, be it removed or not. */
export interface CopyOfSubscription {
  copy: CopyRow;
  subscription: Pick<SubscriptionRow, 'name' | 'kind'>;
}

/** What a list of copies is asked with. */
export interface CopySearch extends Page {
  subscriptionId?: string;
  eventId?: string;
  status?: CopyStatus;
}

/** The copies of these events, those of each event by their ids. */
export async function copiesOf(database: Database, eventIds: string[]): Promise<CopyOfSubscription[]> {
  const { copies } = database.tables;
  if (eventIds.length === 0) return [];
  return await selectCopies(database, inArray(copies.eventId, eventIds)).orderBy(asc(copies.id));
}

/** A page of a project's copies, newest first, with one more than asked for when there are more. */
export async function listCopies(
  database: Database,
  projectId: string,
  search: CopySearch,
): Promise<CopyOfSubscription[]> {
  const { copies, subscriptions } = database.tables;
  const { subscriptionId, eventId, status } = search;
  const { from, order, limit } = pageById(copies.id, search);
  // The same project; but asked of the copies, SQLite would walk through all of its copies for those of one.
  const isOfOne = subscriptionId !== undefined || eventId !== undefined;
  return await selectCopies(
    database,
    and(
      eq(isOfOne ? subscriptions.projectId : copies.projectId, projectId),
      from,
      subscriptionId === undefined ? undefined : eq(copies.subscriptionId, subscriptionId),
      eventId === undefined ? undefined : eq(copies.eventId, eventId),
      status === undefined ? undefined : and(eq(copies.status, status), indexOf(copies, status)),
    ),
  )
    .orderBy(order)
    .limit(limit);
}

/** What is true of every copy of the status anyway, said in the words of the index that holds those. */
function indexOf(copies: Database['tables']['copies'], status: CopyStatus): SQL | undefined {
  const isDead = status === 'failed' || status === 'skipped';
  return isDead ? and(isNull(copies.place), isNotNull(copies.reason)) : undefined;
}

/** One copy with its attempts, the first one first. */
export async function getCopy(
  database: Database,
  projectId: string,
  id: string,
): Promise<(CopyOfSubscription & { attempts: CopyAttemptRow[] }) | undefined> {
  const { copies, copyAttempts } = database.tables;
  const [found] = await selectCopies(database, and(eq(copies.projectId, projectId), eq(copies.id, id)));
  if (found === undefined) return undefined;
  const attempts = await database.handle
    .select()
    .from(copyAttempts)
    .where(eq(copyAttempts.copyId, id))
    .orderBy(asc(copyAttempts.number));
  return { ...found, attempts };
}

function selectCopies({ tables: { copies, subscriptions }, handle }: Database, where: SQL | undefined) {
  return handle
    .select({
      copy: getTableColumns(copies),
      subscription: { name: subscriptions.name, kind: subscriptions.kind },
    })
    .from(copies)
    .innerJoin(subscriptions, eq(subscriptions.id, copies.subscriptionId))
    .where(where);
}
