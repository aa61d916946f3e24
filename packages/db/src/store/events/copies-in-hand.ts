import { and, eq, inArray } from 'drizzle-orm';
import type { Database } from '../../database.ts';

/** A copy that somebody was given, and what is to be known of it when they come back with it. */
export interface CopyInHand {
  id: string;
  /** The lease under which it was given. */
  token: string | null;
  generation: number;
  failures: number;
}

/** Those of these copies that are the subscription's and in somebody's hands. */
export async function copiesInHand(
  database: Database,
  options: { subscriptionId: string; ids: readonly string[] },
): Promise<CopyInHand[]> {
  const { copies } = database.tables;
  const { subscriptionId, ids } = options;
  return await database.handle
    .select({
      id: copies.id,
      token: copies.leaseToken,
      generation: copies.generation,
      failures: copies.failures,
    })
    .from(copies)
    .where(
      and(
        inArray(copies.id, [...ids]),
        eq(copies.subscriptionId, subscriptionId),
        eq(copies.status, 'sending'),
      ),
    );
}
