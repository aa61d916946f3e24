import type { AttemptOutcome, MessageStatus } from '@tidings/contracts';
import type { ProcessLog } from './check-processes.ts';

/** What SQL holds, read after the run. Instants are milliseconds since the epoch, by the database's clock. */
export interface SqlRecord {
  notifications: Array<{ id: string; idempotencyKey: string | null }>;
  messages: RecordedMessage[];
  /** Messages by status, counted by the database. */
  counts: Partial<Record<MessageStatus, number>>;
}

export interface RecordedMessage {
  id: string;
  notificationId: string;
  status: MessageStatus;
  failures: number;
  endedAt: number | null;
  attempts: RecordedAttempt[];
}

export interface RecordedAttempt {
  number: number;
  outcome: AttemptOutcome;
  reason?: string | null;
  startedAt: number;
  finishedAt: number | null;
}

/** One mail or push that a sink took. */
export interface Copy {
  /** The message's id, from what identifies it at the sink. */
  messageId: string;
  /** What all copies must share: Message-ID and Date, an idempotency key, or a topic. */
  identity: string;
  /** Everything else of it, as octets or their hash. */
  body: string;
  at: number;
}

/** One request of a client, as the client saw it. */
export interface ClientRequest {
  key: string;
  bodyHash: string;
  /** Undefined: no answer came. */
  status: number | undefined;
  /** What Retry-After said. */
  retryAfter?: string | null;
  notificationId?: string;
  messageIds: string[];
  at: number;
}

/** A fault that was injected. */
export interface Fault {
  name: string;
  /** May it hit between the last octet of a message and its commit, so that a copy follows? */
  ambiguous: boolean;
  from: number;
  to: number;
  /** Whom it hit, where that is known; else whoever had an attempt open meanwhile. */
  messageIds?: string[];
}

/** A status of a message that somebody saw during the run, in the order seen. */
export interface Sighting {
  messageId: string;
  status: MessageStatus;
}

/** Everything about one run. */
export interface History {
  record: SqlRecord;
  copies: Copy[];
  requests: ClientRequest[];
  faults: Fault[];
  sightings?: Sighting[];
  /** Failures that a message may have. */
  maxFailures: number;
  /** When the last fault ended, and how long everything may then take to end by itself. */
  drain?: { from: number; withinMs: number };
  /** Sends that were allowed in a second. */
  perSecond?: number;
  /** What nobody may tell, and where it is looked for. */
  secrets?: { values: string[]; places: Array<{ name: string; text: string }> };
  /** The processes, once all have ended. */
  processes?: ProcessLog[];
}

export interface Violation {
  invariant: `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12}`;
  what: string;
}
