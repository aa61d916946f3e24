import type { Taker } from '@tidings/queue';
import { withDeadline } from '@tidings/runtime';
import type { Takers } from './takers.ts';

/** Long enough for a queue that is there; nobody waits for one that is not. */
export const tellMs = 250;

/**
 * Tells the queue what the record has decided already. It may be away: a job that was not told comes when its lease
 * would have ended, and the claim refuses it.
 */
export async function tellQueue(
  takers: Takers,
  subscriptionId: string,
  tell: (taker: Taker) => Array<Promise<unknown>>,
): Promise<void> {
  try {
    await withDeadline(Promise.allSettled(tell(takers.of(subscriptionId))), tellMs);
  } catch {
    // This process has no queue.
  }
}
