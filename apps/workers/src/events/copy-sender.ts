import type { CopyReason, SubscriptionKind } from '@tidings/contracts';
import type { ClaimedCopy } from '@tidings/db';

/**
 * What came of one try to hand over a copy.
 *
 * - `delivered`: it has it.
 * - `rejected`: it never will; the copy ends as failed, a dead letter.
 * - `transient`: it may have it another time; counts as a failure, and the kind's schedule says when.
 * - `held`: its consumer wants to be left alone for `delayMs`; counts nothing, and holds its other copies too.
 *
 * With `disables` its subscription is given up until somebody resumes it; a copy that may be had another time waits.
 */
export type CopyResult = { code?: string; response?: string } & (
  | { outcome: 'delivered'; notificationId?: string }
  | { outcome: 'rejected'; reason: CopyReason; disables?: boolean }
  | { outcome: 'transient'; reason: CopyReason; retryAfterMs?: number; disables?: boolean }
  | { outcome: 'held'; reason: CopyReason; delayMs: number; disables?: boolean }
);

/** The kinds whose copies the workers hand over; those of kind `queue` are asked for. */
export type SentKind = Exclude<SubscriptionKind, 'queue'>;

/** Hands over the copies of one kind of subscription. */
export interface CopySender {
  /** Never rejects: what it could not foresee is `transient`. */
  send(claimed: ClaimedCopy): Promise<CopyResult>;
  /** Milliseconds until the next try after `failures` failed ones; undefined when there is to be none. */
  nextDelayMs(claimed: ClaimedCopy, failures: number): number | undefined;
  close(): Promise<void>;
}
