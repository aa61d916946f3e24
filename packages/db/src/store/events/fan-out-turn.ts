import { sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../../database.ts';

/** Positions that one turn is good for. */
export const positionsOfTurn = 10_000;

/**
 * One step of a commit that gives events to subscriptions: answers the first position of its turn. The row is locked
 * until the commit ends, so whoever comes next sees all that this one did, and its positions are behind.
 */
export function* takeTurn(database: Database, db: Handle): Steps<number> {
  const { sequences } = database.tables;
  const [raised] = yield* rows(
    database.prepared(
      db,
      'fan_out_turn',
      () =>
        db
          .insert(sequences)
          .values({ name: 'fan-out', value: 1 })
          .onConflictDoUpdate({ target: sequences.name, set: { value: sql`${sequences.value} + 1` } })
          .returning({ value: sequences.value }),
      {},
    ),
  );
  return (raised?.value ?? 0) * positionsOfTurn;
}
