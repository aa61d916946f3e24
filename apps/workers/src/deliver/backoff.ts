import { failuresAtMost } from '@tidings/contracts';
import { fullJitterMs } from '@tidings/runtime';
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
 * Milliseconds until the next try after `failures` failed ones, never earlier than the provider asked for,
 * which is believed between a second and an hour.
 */
export function retryDelayMs(options: {
  failures: number;
  policy: RetryPolicy;
  retryAfterMs?: ProviderResult['retryAfterMs'];
  random: () => number;
}): number {
  const { failures, policy, retryAfterMs, random } = options;
  const asked =
    retryAfterMs === undefined ? 0 : Math.min(Math.max(retryAfterMs, minRetryAfterMs), maxRetryAfterMs);
  return Math.max(asked, fullJitterMs({ failures, ...policy, random }));
}
