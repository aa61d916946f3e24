import type { SuppressionReason } from '@tidings/contracts';
import { and, inArray, isNotNull } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { listValues, padded, placeholders } from '../prepared.ts';
import { addressHash } from './suppressions.ts';
import type { Candidate } from './wishes.ts';

/**
 * Steps of a claim: what the lists of suppressions say of the messages' addresses, for the category of each and for
 * all, by the ids of messages. Projects that have no key have never suppressed anything, and cost no more than the
 * question for keys.
 */
export function* selectSuppressed(
  database: Database,
  db: Handle,
  candidates: Candidate[],
): Steps<Map<string, SuppressionReason[]>> {
  const keys = yield* selectKeys(database, db, candidates);
  const asked = candidates.flatMap(({ message: { id, projectId, channel, address }, category }) => {
    const key = keys.get(projectId);
    if (key === undefined || address === null) return [];
    return [{ id, projectId, category, hash: addressHash(key, channel, address) }];
  });
  const found = yield* selectByHash(
    database,
    db,
    asked.map(({ hash }) => hash),
  );
  const byHash = Map.groupBy(found, (row) => row.addressHash);
  return new Map(
    asked.map(({ id, projectId, category, hash }) => [
      id,
      (byHash.get(hash) ?? [])
        .filter((row) => row.projectId === projectId && ['', category].includes(row.category))
        .map(({ reason }) => reason),
    ]),
  );
}

/** The keys of those of the messages' projects that have one. */
function* selectKeys(
  database: Database,
  db: Handle,
  candidates: Candidate[],
): Steps<ReadonlyMap<string, string>> {
  const { projects } = database.tables;
  const ids = padded([...new Set(candidates.map(({ message }) => message.projectId))]);
  if (ids.length === 0) return new Map();
  const found = yield* rows(
    database.prepared(
      db,
      `suppression_keys_${ids.length}`,
      () =>
        db
          .select({ id: projects.id, key: projects.suppressionKey })
          .from(projects)
          .where(
            and(inArray(projects.id, placeholders('id', ids.length)), isNotNull(projects.suppressionKey)),
          ),
      listValues('id', ids),
    ),
  );
  return new Map(found.flatMap(({ id, key }) => (key === null ? [] : [[id, key] as const])));
}

interface Found {
  projectId: string;
  addressHash: string;
  category: string;
  reason: SuppressionReason;
}

/** By the hash alone, which is of one project and one channel: a list for each would be looked up in each other's. */
function* selectByHash(database: Database, db: Handle, asked: string[]): Steps<Found[]> {
  const { suppressions } = database.tables;
  const hashes = padded(asked);
  if (hashes.length === 0) return [];
  return yield* rows(
    database.prepared(
      db,
      `suppressed_${hashes.length}`,
      () =>
        db
          .select({
            projectId: suppressions.projectId,
            addressHash: suppressions.addressHash,
            category: suppressions.category,
            reason: suppressions.reason,
          })
          .from(suppressions)
          .where(inArray(suppressions.addressHash, placeholders('hash', hashes.length))),
      listValues('hash', hashes),
    ),
  );
}
