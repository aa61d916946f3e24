import type { ClaimedCopy, CopyVerdict } from '@tidings/db';
import { longestInQueueMs } from '@tidings/queue';
import type { CopyResult, CopySender } from './copy-sender.ts';

type Transient = Extract<CopyResult, { outcome: 'transient' }>;

/**
 * What becomes of a copy after a try. A held one costs nothing, and holds its subscription's others too; a transient
 * failure costs one, and the last that the kind's schedule knows ends it.
 *
 * An ordered copy waits in SQL for its next try, however short that is: the queue has only what is due.
 */
export function copyVerdictOn(
  result: CopyResult,
  claimed: ClaimedCopy,
  nextDelayMs: CopySender['nextDelayMs'],
): CopyVerdict {
  switch (result.outcome) {
    case 'delivered':
      return { status: 'delivered', notificationId: result.notificationId };
    case 'rejected':
      return { status: 'failed', reason: result.reason, countsFailure: true, disables: result.disables };
    case 'held':
      return {
        status: 'retrying',
        reason: result.reason,
        countsFailure: false,
        delayMs: result.delayMs,
        park: true,
        holds: true,
        disables: result.disables,
      };
    case 'transient':
      return afterFailure(result);
  }

  function afterFailure({ reason, retryAfterMs, disables }: Transient): CopyVerdict {
    const nextMs = nextDelayMs(claimed, claimed.copy.failures + 1);
    if (nextMs === undefined)
      return { status: 'failed', reason: 'attempts_exhausted', countsFailure: true, disables };
    const delayMs = Math.max(nextMs, retryAfterMs ?? 0);
    const park = claimed.subscription.ordered || disables === true || delayMs > longestInQueueMs;
    return { status: 'retrying', reason, countsFailure: true, delayMs, park, disables };
  }
}
