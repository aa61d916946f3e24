import { eq, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

/** The value of a sequence; 0 when it was never raised. */
export async function readSequence(database: Database, name: string): Promise<number> {
  const { sequences } = database.tables;
  const [found] = await database.handle.select().from(sequences).where(eq(sequences.name, name));
  return found?.value ?? 0;
}

/** Raises a sequence to at least `value`; it never falls. */
export async function raiseSequence(database: Database, name: string, value: number): Promise<void> {
  const { sequences } = database.tables;
  await database.handle
    .insert(sequences)
    .values({ name, value })
    .onConflictDoUpdate({
      target: sequences.name,
      set: {
        value: sql`case when ${sequences.value} < excluded.value then excluded.value else ${sequences.value} end`,
      },
    })
    .returning({ value: sequences.value });
}
