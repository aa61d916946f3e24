import type { RefusedCopy, Store } from '@tidings/db';

/** What waits longer than this waits in SQL, not in the queue. Milliseconds. */
export const longestInQueueMs = 60_000;

/** A job comes back this long after a lease has ended, so that the claim does not come too early. */
export const afterLeaseMs = 50;

/** What to do with a job whose message or copy could not be claimed. */
export type NextStep = { kind: 'done' } | { kind: 'delay'; ms: number };

const done: NextStep = { kind: 'done' };

/**
 * What to do with the job of a copy that could not be claimed: it may be early, late, doubled or from an older copy of
 * the queue, and the record says which. Ended ones, and those that wait in SQL, need nothing; the others wait for their
 * time, or for the lease of whoever has them.
 */
export async function handleRefusedCopy(
  store: Pick<Store, 'parkCopy'>,
  refused: RefusedCopy | undefined,
): Promise<NextStep> {
  if (refused === undefined) return done;
  const { copy, now } = refused;
  if (copy.place !== 'queue') return done;
  const leaseMs = copy.status === 'sending' ? (copy.leaseUntil ?? now) - now : 0;
  if (leaseMs > 0) return { kind: 'delay', ms: leaseMs + afterLeaseMs };
  const waitMs = copy.dueAt - now;
  if (waitMs > longestInQueueMs) {
    await store.parkCopy(copy.id);
    return done;
  }
  return { kind: 'delay', ms: Math.max(waitMs, 20) };
}
