import type { MessageStatus, TimelineEntry } from '@tidings/contracts';
import type { AttemptRow, MessageRow } from '@tidings/db';
import { toIso } from '../iso.ts';

/**
 * A message's history, put together from what is stored anyway: its creation, its attempts, its end. No row is
 * written for it.
 */
export function timelineOf(
  message: MessageRow,
  attempts: AttemptRow[],
  sendAt: number | null,
): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    { at: toIso(message.createdAt), status: firstStatus(message, attempts, sendAt) },
  ];
  attempts.forEach((attempt, index) => {
    entries.push({ at: toIso(attempt.startedAt), status: 'sending', attempt: attempt.number });
    const isLast = index === attempts.length - 1;
    const status = isLast ? message.status : 'retrying';
    if (attempt.finishedAt === null || status === 'sending') return;
    entries.push({
      at: toIso(attempt.finishedAt),
      status: attempt.outcome === 'sent' ? 'sent' : endOfAttempt(status, message, attempt),
      attempt: attempt.number,
      ...(attempt.reason && { reason: attempt.reason }),
      ...(attempt.code !== null && { code: attempt.code }),
    });
  });
  const last = entries.at(-1);
  if (message.endedAt !== null && last?.status !== message.status) {
    entries.push({
      at: toIso(message.endedAt),
      status: message.status,
      ...(message.reason && { reason: message.reason }),
    });
  }
  return entries;
}

/** A message that ended without its last attempt (canceled while it waited, say) was retrying after it. */
function endOfAttempt(status: MessageStatus, message: MessageRow, attempt: AttemptRow): MessageStatus {
  const endedWithAttempt = message.endedAt !== null && message.endedAt === attempt.finishedAt;
  return message.endedAt === null || endedWithAttempt ? status : 'retrying';
}

function firstStatus(message: MessageRow, attempts: AttemptRow[], sendAt: number | null): MessageStatus {
  if (sendAt !== null) return 'scheduled';
  return attempts.length === 0 && message.endedAt === message.createdAt ? message.status : 'queued';
}
