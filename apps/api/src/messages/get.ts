import { getMessage, TidingsError } from '@tidings/contracts';
import type { AttemptRow, MessageWithHistory, Store } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';
import { query } from '../operations.ts';
import { timelineOf } from './timeline.ts';

/** `messages.get`: what is on record about one message. */
export const get = (store: Store) =>
  query(getMessage, async ({ id }, { principal }) => {
    const found = await store.getMessage(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewMessage(found);
  });

/** A message with everything that happened to it, as the API shows it. */
export function viewMessage({ message, attempts, replays, sendAt, payloadRemovedAt }: MessageWithHistory) {
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
    attempts: attempts.map(viewAttempt),
    timeline: timelineOf(message, attempts, replays, sendAt),
  };
}

/** One try, as it is on record. */
export function viewAttempt(attempt: AttemptRow) {
  const { number, outcome, provider, code, response } = attempt;
  return {
    number,
    startedAt: toIso(attempt.startedAt),
    finishedAt: isoOrNull(attempt.finishedAt),
    outcome,
    provider,
    code,
    response,
  };
}
