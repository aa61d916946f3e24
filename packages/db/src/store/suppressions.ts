import { createHmac } from 'node:crypto';
import type { Channel, SuppressionReason } from '@tidings/contracts';
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

export type SuppressionRow = Tables['suppressions']['$inferSelect'];

/** An address that is not to be sent to from now on. */
export interface Suppressed {
  channel: Channel;
  /** An e-mail address in any case, or a device's token. */
  address: string;
  /** What it holds for; without one it holds for everything. */
  category?: string;
  reason: SuppressionReason;
  note?: string;
  messageId?: string;
}

/**
 * What an address is known by in a project: HMAC-SHA256 under a random key of the project. The key is kept in the
 * record and nowhere else: unlike the secrets of tokens it never changes, every process has it, and the hashes of
 * one project say nothing about another's. Whoever has the whole record can still try out addresses.
 */
export function addressHash(key: string, channel: Channel, address: string): string {
  const known = channel === 'email' ? address.toLowerCase() : address;
  return createHmac('sha256', key).update(`${channel}:${known}`).digest('hex');
}

/**
 * The entries of a project with these hashes. What is made of the project's id keeps SQLite from walking the whole of
 * the project's list by its other index.
 */
export function withHashes(
  { tables: { suppressions } }: Database,
  projectId: string,
  hashes: string[],
): SQL | undefined {
  return and(inArray(suppressions.addressHash, hashes), sql`${suppressions.projectId} || '' = ${projectId}`);
}

/** What a caller brings along, for no step of a commit makes anything up: `newKey` is 64 random hexadecimal digits. */
export interface Suppressing {
  newKey: string;
  /** Makes the ids of rows. */
  newId: () => string;
}

/**
 * One step of a commit: puts addresses on the project's list, but for those that are on it for the same category: what
 * was there first stays, unless it is the trace of an erasure, or `unsubscribed`, which still lets through what is
 * required. `newKey` becomes the project's key where it has none yet. Of what was erased only the hash is kept.
 */
export function* recordSuppressions(
  options: {
    database: Database;
    db: Handle;
    projectId: string;
    addresses: readonly Suppressed[];
  } & Suppressing,
): Steps<void> {
  const { database, db, projectId, addresses, newKey, newId } = options;
  if (addresses.length === 0) return;
  const key = yield* ensureSuppressionKey(database, db, projectId, newKey);
  const entries = addresses.map(({ address, ...one }) => ({
    ...one,
    addressHash: addressHash(key, one.channel, address),
    address: one.reason === 'erased' ? null : address,
  }));
  yield* recordHashes({ database, db, projectId, entries, newId });
}

/** An address as the list keeps it. */
export interface SuppressedHash extends Omit<Suppressed, 'address'> {
  addressHash: string;
  address: string | null;
}

/** The same step for addresses whose hashes are known. Answers the rows that it wrote. */
export function* recordHashes(options: {
  database: Database;
  db: Handle;
  projectId: string;
  entries: readonly SuppressedHash[];
  newId: () => string;
}): Steps<SuppressionRow[]> {
  const { database, db, projectId, entries, newId } = options;
  const { suppressions } = database.tables;
  // No statement may write the same row twice: of several the first is taken that stops everything.
  const seen = new Set<string>();
  const isLesser = (one: SuppressedHash) => Number(one.reason === 'unsubscribed');
  const gravestFirst = entries.toSorted((one, other) => isLesser(one) - isLesser(other));
  const once = gravestFirst.filter(({ channel, addressHash: hash, category = '' }) => {
    const before = seen.size;
    return seen.add(`${channel} ${hash} ${category}`).size > before;
  });
  return yield* rows(
    db
      .insert(suppressions)
      .values(
        once.map((one) => ({
          ...one,
          id: newId(),
          projectId,
          category: one.category ?? '',
          createdAt: database.now,
        })),
      )
      .onConflictDoUpdate({
        target: [
          suppressions.projectId,
          suppressions.channel,
          suppressions.addressHash,
          suppressions.category,
        ],
        set: {
          reason: sql`excluded.reason`,
          address: sql`excluded.address`,
          note: sql`excluded.note`,
          messageId: sql`excluded.message_id`,
          createdAt: database.now,
        },
        setWhere: or(
          and(eq(suppressions.reason, 'erased'), sql`excluded.reason <> 'erased'`),
          and(
            eq(suppressions.reason, 'unsubscribed'),
            sql`excluded.reason not in ('erased', 'unsubscribed')`,
          ),
        ),
      })
      .returning(),
  );
}

/** One step of a commit: the project's key, which is made when it is first needed. */
export function* ensureSuppressionKey(
  { tables: { projects } }: Database,
  db: Handle,
  projectId: string,
  newKey: string,
): Steps<string> {
  const [{ key } = { key: null }] = yield* rows(
    db
      .update(projects)
      .set({ suppressionKey: sql`coalesce(${projects.suppressionKey}, ${newKey})` })
      .where(eq(projects.id, projectId))
      .returning({ key: projects.suppressionKey }),
  );
  if (key === null) throw new Error(`project ${projectId} is missing`);
  return key;
}
