import type { AttemptOutcome, MessageStatus, TimelineEntry } from '@tidings/contracts';
import type { AttemptRow, MessageRow } from '@tidings/db';
import { toIso } from '../iso.ts';

/** What a message is after an attempt with this outcome, unless it was the last of its budget. */
const statusAfter: Readonly<Record<AttemptOutcome, MessageStatus>> = {
  started: 'sending',
  sent: 'sent',
  transient: 'retrying',
  held: 'retrying',
  ambiguous: 'retrying',
  lost: 'retrying',
  rejected: 'failed',
  bounced: 'bounced',
};

/**
 * A message's history, oldest first, put together from what is stored anyway: its creation, its attempts, its
 * end. No row is written for it.
 */
export function timelineOf(
  message: MessageRow,
  attempts: AttemptRow[],
  sendAt: number | null,
): TimelineEntry[] {
  const moments: Moment[] = [{ at: message.createdAt, status: firstStatus(message, attempts, sendAt) }];
  for (const attempt of attempts) {
    moments.push({ at: attempt.startedAt, status: 'sending', attempt: attempt.number });
    if (attempt.finishedAt === null) continue;
    moments.push({
      at: attempt.finishedAt,
      status: statusOf(message, attempt),
      attempt: attempt.number,
      ...(attempt.reason && { reason: attempt.reason }),
      ...(attempt.code !== null && { code: attempt.code }),
    });
  }
  moments.sort((one, other) => one.at - other.at);
  if (message.endedAt !== null && moments.at(-1)?.status !== message.status) {
    moments.push({
      at: message.endedAt,
      status: message.status,
      ...(message.reason && { reason: message.reason }),
    });
  }
  return moments.map(({ at, ...rest }) => ({ at: toIso(at), ...rest }));
}

/** A try that would be repeated may have been the last; then it shares the instant of the message's end. */
function statusOf(message: MessageRow, attempt: AttemptRow): MessageStatus {
  const after = statusAfter[attempt.outcome];
  const endedIt = attempt.finishedAt === message.endedAt && message.status !== 'sent';
  return after === 'retrying' && endedIt ? message.status : after;
}

type Moment = Omit<TimelineEntry, 'at'> & { at: number };

function firstStatus(message: MessageRow, attempts: AttemptRow[], sendAt: number | null): MessageStatus {
  if (sendAt !== null) return 'scheduled';
  return attempts.length === 0 && message.endedAt === message.createdAt ? message.status : 'queued';
}
