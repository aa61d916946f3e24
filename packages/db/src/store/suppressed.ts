import type { SuppressionReason } from '@tidings/contracts';
import { and, inArray, isNotNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { listValues, padded, placeholderRows, placeholders, rowValues } from '../prepared.ts';
import type { Candidate } from './put-aside.ts';
import { addressHash } from './suppressions.ts';

const addressColumns = ['projectId', 'channel', 'addressHash'] as const;

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
    return [{ id, category, projectId, channel, addressHash: addressHash(key, channel, address) }];
  });
  const found = yield* selectByHash(database, db, asked);
  const byHash = Map.groupBy(found, (row) => row.addressHash);
  return new Map(
    asked.map(({ id, category, addressHash: hash }) => [
      id,
      (byHash.get(hash) ?? [])
        .filter((row) => row.category === '' || row.category === category)
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
  addressHash: string;
  category: string;
  reason: SuppressionReason;
}

/** Each address in its own project: in one list for each column, many projects would be looked up in each other's. */
function* selectByHash(
  database: Database,
  db: Handle,
  addresses: ReadonlyArray<Record<(typeof addressColumns)[number], string>>,
): Steps<Found[]> {
  const { suppressions } = database.tables;
  const asked = padded(addresses);
  if (asked.length === 0) return [];
  return yield* rows(
    database.prepared(
      db,
      `suppressed_${asked.length}`,
      () => {
        const tuples = placeholderRows(addressColumns, asked.length).map(
          (row) => sql`(${row.projectId}, ${row.channel}, ${row.addressHash})`,
        );
        return db
          .select({
            addressHash: suppressions.addressHash,
            category: suppressions.category,
            reason: suppressions.reason,
          })
          .from(suppressions)
          .where(
            sql`(${suppressions.projectId}, ${suppressions.channel}, ${suppressions.addressHash}) in (values ${sql.join(tuples, sql`, `)})`,
          );
      },
      rowValues(addressColumns, asked),
    ),
  );
}
