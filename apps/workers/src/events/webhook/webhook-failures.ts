import type { HttpFailure, HttpReply } from '../../providers/http-client.ts';
import { headerOf, isWithin } from '../../providers/http-failures.ts';
import { readable, withoutSecrets } from '../../providers/readable.ts';
import { retryAfterMs } from '../../providers/retry-after.ts';
import type { CopyResult } from '../copy-sender.ts';
import { holdMs, longestAskedMs } from './webhook-schedule.ts';

/** What is known of a try beside its reply. */
export interface WebhookContext {
  /** How often in a row its endpoint was busy before. */
  holds: number;
  /** What was sent in confidence, and is not to be on record should the reply quote it. */
  secrets: readonly string[];
  /** When the try began, in milliseconds since the epoch. */
  at: number;
  random: () => number;
}

type Verdict = 'delivered' | 'gone' | 'redirected' | 'busy' | 'failed';

/** A row of the table: when it holds, how that is told, and what it means. */
type Rule = [when: string, matches: (status: number) => boolean, then: Verdict];

/** Read from the top; the first that matches decides (Standard Webhooks, "Delivery success and failure"). */
const rules: Rule[] = [
  ['taken', (status) => isWithin(status, 200), 'delivered'],
  ['the endpoint is no more', (status) => status === 410, 'gone'],
  // Whoever follows one tells what is signed for this endpoint to another.
  ['a redirect', (status) => isWithin(status, 300), 'redirected'],
  ['too many', (status) => status === 429, 'busy'],
  ['nobody there to take it', (status) => status === 502 || status === 504, 'busy'],
  ['anything else', () => true, 'failed'],
];

/** What a reply means for the copy and its subscription. */
export function classifyWebhookReply(reply: HttpReply, context: WebhookContext): CopyResult {
  const { status } = reply;
  const { secrets, at } = context;
  const told = { code: String(status), response: readable(withoutSecrets(reply.body, secrets)) };
  const askedMs = retryAfterMs(headerOf(reply, 'retry-after'), at, longestAskedMs);
  switch (rules.find(([, matches]) => matches(status))?.[2]) {
    case 'delivered':
      return { ...told, outcome: 'delivered' };
    case 'gone':
      return { ...told, outcome: 'rejected', reason: 'endpoint_gone', disables: true };
    case 'redirected':
      return { ...told, outcome: 'rejected', reason: 'redirected' };
    case 'busy': {
      const delayMs = holdMs({ ...context, askedMs });
      return { ...told, outcome: 'held', reason: 'endpoint_busy', delayMs };
    }
    default: {
      const retryAfter = askedMs !== undefined && { retryAfterMs: askedMs };
      return { ...told, outcome: 'transient', reason: 'endpoint_failed', ...retryAfter };
    }
  }
}

/** What it means that there was no reply. A copy more does no harm: its endpoint knows it by its id. */
export function classifyWebhookFailure(failure: HttpFailure, context: WebhookContext): CopyResult {
  const { code } = failure;
  const told = { code, response: readable(withoutSecrets(failure.message, context.secrets)) };
  if (code === 'EUNSAFE') return { ...told, outcome: 'rejected', reason: 'unsafe_target' };
  // It is us who close.
  if (code === 'ECLOSED' || code === 'UND_ERR_DESTROYED') {
    const delayMs = holdMs({ ...context, askedMs: undefined });
    return { ...told, outcome: 'held', reason: 'overloaded', delayMs };
  }
  const reason = /TIMEOUT|TIMEDOUT/.test(code) ? 'timed_out' : 'connection_failed';
  return { ...told, outcome: 'transient', reason };
}
