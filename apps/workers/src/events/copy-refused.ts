import type { RefusedCopy, Store } from '@tidings/db';
import type { NextStep } from '../deliver/refused.ts';
import { longestInQueueMs } from '../deliver/verdict.ts';

const done: NextStep = { kind: 'done' };

/**
 * What to do with the job of a copy that could not be claimed: ended ones, and those that wait in SQL, need nothing;
 * the others wait for their time, or for the lease of whoever has them.
 */
export async function handleRefusedCopy(
  store: Pick<Store, 'parkCopy'>,
  refused: RefusedCopy | undefined,
): Promise<NextStep> {
  if (refused === undefined) return done;
  const { copy, now } = refused;
  if (copy.place !== 'queue') return done;
  const leaseMs = copy.status === 'sending' ? (copy.leaseUntil ?? now) - now : 0;
  if (leaseMs > 0) return { kind: 'delay', ms: leaseMs + 50 };
  const waitMs = copy.dueAt - now;
  if (waitMs > longestInQueueMs) {
    await store.parkCopy(copy.id);
    return done;
  }
  return { kind: 'delay', ms: Math.max(waitMs, 20) };
}
