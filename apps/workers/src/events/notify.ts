import { type CopyReason, type ErrorCode, type SendInput, TidingsError } from '@tidings/contracts';
import type { ClaimedCopy, Store } from '@tidings/db';
import { notificationOf } from '@tidings/events';
import type { Log } from '@tidings/runtime';
import { defaultRetryPolicy, type RetryPolicy, retryDelayMs } from '../deliver/backoff.ts';
import type { Accepting } from './accepting.ts';
import type { CopyResult, CopySender } from './copy-sender.ts';

/** What may be put right, the rule or what it speaks of, after which the copy is sent again by hand. */
const reasonOf: Partial<Record<ErrorCode, CopyReason>> = {
  recipient_not_found: 'recipient_not_found',
  template_not_found: 'template_not_found',
  channel_without_content: 'channel_without_content',
  invalid_variables: 'invalid_variables',
  invalid_time: 'invalid_time',
};

const outageHoldMs = 1000;

/**
 * Turns copies of events into notifications, one for each event and rule: the idempotency key says which, so a copy
 * that was accepted and not settled finds its notification when it comes again.
 *
 * What stops one notification of this process stops all of them, so the rule is held meanwhile and no failure is
 * counted: while nothing more is accepted, and while the record does not answer.
 */
export function createNotifySender(options: {
  store: Pick<Store, 'findAnswer' | 'isOutage'>;
  /** Is stopped when the sender is closed. */
  accepting: Accepting;
  log: Log;
  policy?: RetryPolicy;
  now?: () => number;
  random?: () => number;
}): CopySender {
  const {
    store,
    accepting,
    log,
    policy = defaultRetryPolicy,
    now = Date.now,
    random = Math.random,
  } = options;

  async function notify({ event, subscription }: ClaimedCopy): Promise<CopyResult> {
    const { id, projectId, settings } = subscription;
    if (settings.kind !== 'notify') throw new Error(`${id} is no rule that notifies`);
    const ruled = notificationOf({ id, settings }, event);
    if (ruled.kind === 'fault') return { outcome: 'rejected', reason: ruled.reason, response: ruled.detail };
    return { outcome: 'delivered', notificationId: await accepted(projectId, inTime(ruled.input)) };
  }

  /** The delay may be over by the time the copy is worked on: then it is sent now. */
  function inTime({ sendAt, ...input }: SendInput): SendInput {
    return sendAt !== undefined && Date.parse(sendAt) > now() ? { ...input, sendAt } : input;
  }

  /** Where the rule was changed between two runs, or its delay ended, the notification of the first run stands. */
  async function accepted(projectId: string, input: SendInput): Promise<string> {
    try {
      const { answer } = await accepting.accept(projectId, input);
      return answer.id;
    } catch (error) {
      if (!(error instanceof TidingsError) || error.code !== 'idempotency_key_reused') throw error;
      const first = await store.findAnswer(projectId, input.idempotencyKey ?? '');
      if (first === undefined) throw error;
      return first.answer.id;
    }
  }

  function resultOf(error: unknown, { copy }: ClaimedCopy): CopyResult {
    if (error instanceof TidingsError) {
      const { code, message: response } = error;
      if (code !== 'overloaded') {
        return { outcome: 'rejected', reason: reasonOf[code] ?? 'rejected', code, response };
      }
      const delayMs = Number(error.headers['retry-after'] ?? 1) * 1000;
      return { outcome: 'held', reason: 'overloaded', code, response, delayMs };
    }
    if (store.isOutage(error)) {
      log.warn({ err: error, copyId: copy.id }, 'a notification could not be stored; trying again');
      return { outcome: 'held', reason: 'overloaded', code: 'unavailable', delayMs: outageHoldMs };
    }
    log.error({ err: error, copyId: copy.id }, 'a notification could not be made, which is a bug');
    return { outcome: 'transient', reason: 'handler_failed', code: 'internal' };
  }

  return {
    send: (claimed) => notify(claimed).catch((error: unknown) => resultOf(error, claimed)),
    nextDelayMs: (_, failures) =>
      failures >= policy.maxFailures ? undefined : retryDelayMs({ failures, policy, random }),
    close: accepting.stop,
  };
}
