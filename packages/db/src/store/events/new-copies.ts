import { type Database, type Handle, rows, type Steps } from '../../database.ts';
import { inPowersOfTwo, placeholderRows, rowValues } from '../../prepared.ts';
import type { CopyRow } from './copy-types.ts';

const columns = [
  'id',
  'eventId',
  'subscriptionId',
  'projectId',
  'status',
  'reason',
  'place',
  'position',
  'dueAt',
  'createdAt',
  'endedAt',
] as const;

/** A copy, ready to be stored. */
export type NewCopy = Pick<CopyRow, (typeof columns)[number]>;

/** Steps of a commit: stores those whose event has no copy for the subscription yet. Answers them. */
export function* storeCopies(database: Database, db: Handle, all: NewCopy[]): Steps<NewCopy[]> {
  const { copies } = database.tables;
  const stored: NewCopy[] = [];
  for (const piece of inPowersOfTwo(all)) {
    const won: Array<{ id: string }> = yield* rows(
      database.prepared(
        db,
        `store_copies_${piece.length}`,
        () =>
          db
            .insert(copies)
            .values(placeholderRows(columns, piece.length))
            .onConflictDoNothing()
            .returning({ id: copies.id }),
        rowValues(columns, piece),
      ),
    );
    const ids = won.length === piece.length ? undefined : new Set(won.map(({ id }) => id));
    for (const copy of piece) if (ids === undefined || ids.has(copy.id)) stored.push(copy);
  }
  return stored;
}
