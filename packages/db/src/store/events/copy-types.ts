import type { CopyOutcome, CopyReason, CopyStatus } from '@tidings/contracts';
import type { Tables } from '../../schema/tables.ts';

export type EventRow = Tables['events']['$inferSelect'];
export type SubscriptionRow = Tables['subscriptions']['$inferSelect'];
export type CopyRow = Tables['copies']['$inferSelect'];
export type CopyAttemptRow = Tables['copyAttempts']['$inferSelect'];

/** What the queue must know to hold a job for a copy. */
export interface CopyEntry {
  id: string;
  subscriptionId: string;
  generation: number;
  /** Milliseconds until it is due; 0 or less means now. */
  delayMs: number;
}

/** A copy that is ours to hand over until its lease ends. */
export interface ClaimedCopy {
  copy: CopyRow;
  event: EventRow;
  subscription: SubscriptionRow;
}

/** A copy that is not ours, as it stands, and the database's time. */
export interface RefusedCopy {
  copy: CopyRow;
  now: number;
}

/** What a copy becomes after an attempt. */
export type CopyVerdict =
  | { status: 'delivered'; notificationId?: string }
  | { status: 'failed'; reason: CopyReason; countsFailure: boolean; disables?: boolean }
  | {
      status: 'retrying';
      reason: CopyReason;
      countsFailure: boolean;
      /** Milliseconds until the next try. */
      delayMs: number;
      /** Waits in SQL under a new generation instead of in the queue. */
      park: boolean;
      /** Its subscription is left alone for as long. */
      holds?: boolean;
      /** Its subscription is given up; the copy waits until somebody resumes it. */
      disables?: boolean;
    };

/** One attempt's end. */
export interface CopySettlement {
  copyId: string;
  /** The lease under which it was made. */
  token: string;
  worker: string;
  outcome: CopyOutcome;
  reason: CopyReason | null;
  code: string | null;
  response: string | null;
  verdict: CopyVerdict;
}

/** `fenced`: the lease was lost meanwhile and the copy was left as it is. */
export interface CopySettled {
  status: CopyStatus | 'fenced';
}

/** A subscription that has open copies. */
export interface CopyQueueState {
  subscriptionId: string;
  kind: SubscriptionRow['kind'];
  ordered: boolean;
  /** Its copies end instead of entering its window. */
  isRemoved: boolean;
  /** How many more may enter its window for another reason than that it is full: 0 while it is paused, disabled or held, 1 on trial after a hold, and for the next in order. */
  admitted: number;
  /** Its due copies that have a job. */
  inQueue: number;
  /** Whether due copies of it wait in SQL. */
  backlog: boolean;
}
