import { getMessage, TidingsError } from '@tidings/contracts';
import type { AttemptRow, FeedbackRow, MessageWithHistory, Store } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';
import { query } from '../operations.ts';
import { factsOf } from './facts.ts';
import { timelineOf } from './timeline.ts';

/** `messages.get`: what is on record about one message. */
export const get = (store: Store) =>
  query(getMessage, async ({ id }, { principal }) => {
    const found = await store.getMessage(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewMessage(found);
  });

/** A message with everything that happened to it, as the API shows it. */
export function viewMessage(found: MessageWithHistory) {
  const { message, attempts, feedback, sendAt, payloadRemovedAt } = found;
  return {
    id: message.id,
    notificationId: message.notificationId,
    channel: message.channel,
    lane: message.lane,
    status: message.status,
    reason: message.reason,
    address: message.address,
    payloadRemovedAt: isoOrNull(payloadRemovedAt),
    createdAt: toIso(message.createdAt),
    dueAt: toIso(message.dueAt),
    expiresAt: toIso(message.expiresAt),
    endedAt: isoOrNull(message.endedAt),
    failures: message.failures,
    facts: factsOf(feedback),
    attempts: attempts.map(viewAttempt),
    timeline: timelineOf(found, sendAt),
  };
}

/** One try, as it is on record. */
export function viewAttempt(attempt: AttemptRow) {
  const { number, outcome, provider, providerMessageId, code, response } = attempt;
  return {
    number,
    startedAt: toIso(attempt.startedAt),
    finishedAt: isoOrNull(attempt.finishedAt),
    outcome,
    provider,
    providerMessageId,
    code,
    response,
  };
}

/** What was told of a message, as it is on record. */
export function viewFeedback({ type, at, source, code, response }: FeedbackRow) {
  return { type, at: toIso(at), source, code, response };
}
