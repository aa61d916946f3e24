import { failuresAtMost } from '@tidings/contracts';
import type { ProviderResult } from '../providers/provider.ts';

/** How failures are spread over time. */
export interface RetryPolicy {
  /** Failed tries after which a message is a dead letter. */
  maxFailures: number;
  baseMs: number;
  capMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  maxFailures: failuresAtMost,
  baseMs: 1000,
  capMs: 15 * 60_000,
};

const minRetryAfterMs = 1000;
const maxRetryAfterMs = 3_600_000;

/**
 * Milliseconds until the next try after `failures` failed ones: capped exponential backoff with full jitter
 * ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015), never earlier than the provider asked
 * for, which is believed between a second and an hour.
 */
export function retryDelayMs(options: {
  failures: number;
  policy: RetryPolicy;
  retryAfterMs?: ProviderResult['retryAfterMs'];
  random: () => number;
}): number {
  const { failures, policy, retryAfterMs, random } = options;
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1));
  const asked =
    retryAfterMs === undefined ? 0 : Math.min(Math.max(retryAfterMs, minRetryAfterMs), maxRetryAfterMs);
  return Math.max(asked, random() * ceiling);
}
