import { createHmac } from 'node:crypto';
import { type Channel, channels, type SuppressionReason } from '@tidings/contracts';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';

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
 * One step of a commit: puts addresses on the project's list, but for those that are on it for the same category.
 * `newKey` becomes the project's key where it has none yet, `newId` makes the ids of rows. Of what was erased only the
 * hash is kept.
 */
export function* recordSuppressions(options: {
  database: Database;
  db: Handle;
  projectId: string;
  addresses: readonly Suppressed[];
  newKey: string;
  newId: () => string;
}): Steps<void> {
  const { database, db, projectId, addresses, newKey, newId } = options;
  const { projects, suppressions } = database.tables;
  if (addresses.length === 0) return;
  const [{ key } = { key: null }] = yield* rows(
    db
      .update(projects)
      .set({ suppressionKey: sql`coalesce(${projects.suppressionKey}, ${newKey})` })
      .where(eq(projects.id, projectId))
      .returning({ key: projects.suppressionKey }),
  );
  if (key === null) throw new Error(`project ${projectId} is missing`);
  yield* rows(
    db
      .insert(suppressions)
      .values(
        addresses.map(({ channel, address, category = '', reason, note, messageId }) => ({
          id: newId(),
          projectId,
          channel,
          addressHash: addressHash(key, channel, address),
          category,
          address: reason === 'erased' ? null : address,
          reason,
          note,
          messageId,
          createdAt: database.now,
        })),
      )
      .onConflictDoNothing()
      .returning({ id: suppressions.id }),
  );
}

/** An address, and a row of the list that it is on. */
export interface OnList {
  channel: Channel;
  address: string;
  /** Empty where it holds for everything. */
  category: string;
  reason: SuppressionReason;
}

/** The rows of the project's list that addresses are on; at most a few hundred addresses a call. */
export async function suppressionsOf(
  { tables, handle }: Database,
  projectId: string,
  addresses: ReadonlyArray<Pick<OnList, 'channel' | 'address'>>,
): Promise<OnList[]> {
  const { projects, suppressions } = tables;
  if (addresses.length === 0) return [];
  const [project] = await handle
    .select({ key: projects.suppressionKey })
    .from(projects)
    .where(eq(projects.id, projectId));
  const key = project?.key ?? null;
  if (key === null) return [];
  const byHash = Map.groupBy(addresses, ({ channel, address }) => addressHash(key, channel, address));
  const found = await handle
    .select({
      hash: suppressions.addressHash,
      category: suppressions.category,
      reason: suppressions.reason,
    })
    .from(suppressions)
    .where(
      and(
        eq(suppressions.projectId, projectId),
        inArray(suppressions.channel, [...channels]),
        inArray(suppressions.addressHash, [...byHash.keys()]),
      ),
    );
  return found.flatMap(({ hash, category, reason }) =>
    (byHash.get(hash) ?? []).map(({ channel, address }) => ({ channel, address, category, reason })),
  );
}
