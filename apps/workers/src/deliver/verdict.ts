import type { Reason } from '@tidings/contracts';
import type { MessageRow, Verdict } from '@tidings/db';
import { longestInQueueMs } from '@tidings/queue';
import type { ProviderResult } from '../providers/provider.ts';
import { type RetryPolicy, retryDelayMs } from './backoff.ts';

/**
 * What becomes of a message after an attempt: the classification of DESIGN, read from top to bottom. A held
 * attempt costs nothing; a transient or an ambiguous one costs one failure; the last failure ends it.
 *
 * @param heldMs how long until a provider can be asked again, should this one have turned the message away; 0 when
 *   the route has another that is well
 */
export function verdictOn(
  result: ProviderResult,
  message: Pick<MessageRow, 'failures' | 'onAmbiguous'>,
  policy: RetryPolicy,
  random: () => number,
  heldMs = 0,
): Verdict {
  const { outcome, reason } = result;
  switch (outcome) {
    case 'sent':
      return { status: 'sent' };
    case 'bounced':
      return { status: 'bounced', reason: reason ?? 'invalid_address', countsFailure: true };
    case 'rejected':
      // Nothing failed: there is nobody to hand it to.
      if (reason === 'no_provider') return { status: 'skipped', reason, countsFailure: false };
      return { status: 'failed', reason: reason ?? 'rejected', countsFailure: true };
    case 'held':
      // Waits in SQL, where whoever takes it up again asks first whether a provider is well.
      return { ...retrying(reason ?? 'provider_unavailable', heldMs, false), park: heldMs > 0 };
    case 'ambiguous':
      if (message.onAmbiguous === 'hold' || isLast(message, policy)) {
        return { status: 'unknown', reason: 'ambiguous', countsFailure: true };
      }
      return retrying('ambiguous', nextDelay(), true);
    case 'transient':
      if (isLast(message, policy))
        return { status: 'failed', reason: 'attempts_exhausted', countsFailure: true };
      return retrying(reason ?? 'provider_transient', nextDelay(), true);
  }

  function nextDelay(): number {
    return retryDelayMs({
      failures: message.failures + 1,
      policy,
      retryAfterMs: result.retryAfterMs,
      random,
    });
  }
}

function isLast(message: Pick<MessageRow, 'failures'>, policy: RetryPolicy): boolean {
  return message.failures + 1 >= policy.maxFailures;
}

function retrying(
  reason: Reason,
  delayMs: number,
  countsFailure: boolean,
): Extract<Verdict, { status: 'retrying' }> {
  return { status: 'retrying', reason, countsFailure, delayMs, park: delayMs > longestInQueueMs };
}
