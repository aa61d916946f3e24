import { type Channel, channels, type StoppingReason } from '@tidings/contracts';
import { and, asc, eq, ne } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import { type Recorded, recordChange } from './audit.ts';
import { type Page, pageById } from './pages.ts';
import {
  addressHash,
  ensureSuppressionKey,
  recordHashes,
  type Suppressed,
  type Suppressing,
  type SuppressionRow,
  withHashes,
} from './suppressions.ts';

/** What a page of the list is asked with. */
export interface SuppressionFilters extends Page {
  channel?: Channel;
  reason?: StoppingReason;
  category?: string;
  /** An e-mail address in any case, or a device's token. */
  address?: string;
}

/**
 * Puts addresses on a project's list, all in one commit. Answers the entry of each, in their order: one that was there
 * before as it stands. What changes nothing is not in the audit trail; of several addresses there is one row.
 */
export function addSuppressions(
  database: Database,
  projectId: string,
  addresses: readonly Suppressed[],
  { actor, change, newKey, newId }: Recorded & Suppressing,
): Promise<SuppressionRow[]> {
  const { suppressions } = database.tables;
  return database.commit(function* (db) {
    if (addresses.length === 0) return [];
    const key = yield* ensureSuppressionKey(database, db, projectId, newKey);
    const entries = addresses.map((one) => ({
      ...one,
      addressHash: addressHash(key, one.channel, one.address),
    }));
    const added = yield* recordHashes({ database, db, projectId, entries, newId });
    const [only] = added;
    if (only !== undefined) {
      const target = addresses.length === 1 ? only.id : change.target;
      yield* recordChange(database, db, actor, { ...change, target });
    }
    const hashes = entries.map((one) => one.addressHash);
    const all =
      added.length === entries.length
        ? added
        : yield* rows(
            db
              .select()
              .from(suppressions)
              .where(withHashes(database, projectId, hashes)),
          );
    const byKey = new Map(all.map((row) => [`${row.addressHash} ${row.category}`, row]));
    return entries.map((one) => {
      const row = byKey.get(`${one.addressHash} ${one.category ?? ''}`);
      if (row === undefined) throw new Error('an upsert left no row');
      return row;
    });
  });
}

/** A page of a project's list, newest first, one more than asked for when there are more. Traces of erasures are no part of it. */
export async function listSuppressions(
  database: Database,
  projectId: string,
  { channel, reason, category, address, ...page }: SuppressionFilters,
): Promise<SuppressionRow[]> {
  const { suppressions } = database.tables;
  const hashes = address === undefined ? undefined : await hashesOf(database, projectId, address);
  const { from, order, limit } = pageById(suppressions.id, page);
  return database.handle
    .select()
    .from(suppressions)
    .where(
      and(
        hashes === undefined
          ? eq(suppressions.projectId, projectId)
          : withHashes(database, projectId, hashes),
        ne(suppressions.reason, 'erased'),
        from,
        channel === undefined ? undefined : eq(suppressions.channel, channel),
        reason === undefined ? undefined : eq(suppressions.reason, reason),
        category === undefined ? undefined : eq(suppressions.category, category),
      ),
    )
    .orderBy(order)
    .limit(limit);
}

/** As an address of each channel; none in a project that has no key. */
async function hashesOf(database: Database, projectId: string, address: string): Promise<string[]> {
  const key = await readKey(database, projectId);
  return key === null ? [] : channels.map((channel) => addressHash(key, channel, address));
}

async function readKey(
  { tables: { projects }, handle }: Database,
  projectId: string,
): Promise<string | null> {
  const [found] = await handle
    .select({ key: projects.suppressionKey })
    .from(projects)
    .where(eq(projects.id, projectId));
  return found?.key ?? null;
}

/** What a project's list holds of these addresses, in the order it came there. */
export async function suppressionsOf(
  database: Database,
  projectId: string,
  addresses: ReadonlyArray<Pick<Suppressed, 'channel' | 'address'>>,
): Promise<SuppressionRow[]> {
  const { suppressions } = database.tables;
  const key = await readKey(database, projectId);
  if (key === null || addresses.length === 0) return [];
  const hashes = addresses.map(({ channel, address }) => addressHash(key, channel, address));
  return database.handle
    .select()
    .from(suppressions)
    .where(and(withHashes(database, projectId, hashes), ne(suppressions.reason, 'erased')))
    .orderBy(asc(suppressions.id));
}

export async function getSuppression(
  database: Database,
  projectId: string,
  id: string,
): Promise<SuppressionRow | undefined> {
  const { suppressions } = database.tables;
  const [found] = await database.handle
    .select()
    .from(suppressions)
    .where(entry(database, projectId, id));
  return found;
}

/** Takes an entry off the list. Answers whether it was there. */
export function removeSuppression(
  database: Database,
  projectId: string,
  id: string,
  { actor, change }: Recorded,
): Promise<boolean> {
  const { suppressions } = database.tables;
  return database.commit(function* (db) {
    const removed = yield* rows(
      db
        .delete(suppressions)
        .where(entry(database, projectId, id))
        .returning({ id: suppressions.id }),
    );
    if (removed.length === 0) return false;
    yield* recordChange(database, db, actor, change);
    return true;
  });
}

function entry({ tables: { suppressions } }: Database, projectId: string, id: string) {
  return and(
    eq(suppressions.id, id),
    eq(suppressions.projectId, projectId),
    ne(suppressions.reason, 'erased'),
  );
}
