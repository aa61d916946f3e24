import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Database } from '../../database.ts';

/** Gives those who have copies in hand more time. Answers the ids that are still theirs. */
export async function renewCopyLeases(
  database: Database,
  options: { leases: Array<{ id: string; token: string }>; leaseMs: number },
): Promise<string[]> {
  const { copies } = database.tables;
  const { leases, leaseMs } = options;
  const renewed = await database.handle
    .update(copies)
    .set({ leaseUntil: sql`${database.now} + ${leaseMs}` })
    .where(
      and(
        inArray(
          copies.id,
          leases.map(({ id }) => id),
        ),
        inArray(copies.leaseToken, [...new Set(leases.map(({ token }) => token))]),
        eq(copies.status, 'sending'),
      ),
    )
    .returning({ id: copies.id, token: copies.leaseToken });
  return renewed.map(({ id }) => id);
}

/**
 * Ends the leases of a worker that is known to be dead, so that its copies need not wait for them to run out, and has
 * the relay give them new jobs: the queue may believe for a while yet that their old ones run. Only for an owner
 * whose name is held by a lock: a living worker would be robbed.
 */
export async function endCopyLeasesOf(database: Database, owner: string): Promise<number> {
  const { copies } = database.tables;
  const freed = await database.handle
    .update(copies)
    .set({
      leaseUntil: sql`${database.now} - 1`,
      place: 'store',
      generation: sql`${copies.generation} + 1`,
    })
    .where(and(isNotNull(copies.place), eq(copies.status, 'sending'), eq(copies.leaseOwner, owner)))
    .returning({ id: copies.id });
  return freed.length;
}
