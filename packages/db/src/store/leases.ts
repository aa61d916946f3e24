import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';

/** Gives running sends more time. Answers the ids that are still ours. */
export async function renewLeases(
  database: Database,
  options: { leases: Array<{ id: string; token: string }>; leaseMs: number },
): Promise<string[]> {
  const { messages } = database.tables;
  const { leases, leaseMs } = options;
  const renewed = await database.handle
    .update(messages)
    .set({ leaseUntil: sql`${database.now} + ${leaseMs}` })
    .where(
      and(
        inArray(
          messages.id,
          leases.map(({ id }) => id),
        ),
        inArray(messages.leaseToken, [...new Set(leases.map(({ token }) => token))]),
        eq(messages.status, 'sending'),
      ),
    )
    .returning({ id: messages.id });
  return renewed.map(({ id }) => id);
}

/**
 * Ends the leases of a worker that is known to be dead, so that its messages need not wait for them to run
 * out, and has the relay give them new jobs: the queue may believe for a while yet that their old ones run.
 * Only for an owner whose name is held by a lock: a living worker would be robbed.
 */
export async function endLeasesOf(database: Database, owner: string): Promise<number> {
  const { messages } = database.tables;
  const freed = await database.handle
    .update(messages)
    .set({
      leaseUntil: sql`${database.now} - 1`,
      place: 'store',
      generation: sql`${messages.generation} + 1`,
    })
    // Wherever they are: after a replay an old job may claim a message that still waits in SQL for its new one.
    .where(and(isNotNull(messages.place), eq(messages.status, 'sending'), eq(messages.leaseOwner, owner)))
    .returning({ id: messages.id });
  return freed.length;
}
