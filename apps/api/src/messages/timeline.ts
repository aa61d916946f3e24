import type { AttemptOutcome, MessageStatus, TimelineEntry } from '@tidings/contracts';
import type { AttemptRow, FeedbackRow, MessageRow, ReplayRow } from '@tidings/db';
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

/** What happened at an instant. `life` counts the replays before it: it settles what came first in a millisecond. */
type Moment = Omit<TimelineEntry, 'at'> & { at: number; life: number };

/** An end of the message: the one it is in, or one that a replay took back. */
type End = Pick<MessageRow, 'status' | 'reason' | 'endedAt'> & { life: number };

type History = { message: MessageRow; attempts: AttemptRow[]; replays: ReplayRow[]; feedback: FeedbackRow[] };

/**
 * A message's history, oldest first, put together from what is stored anyway: its creation, its attempts, its
 * replays, what was told of it, its end, and when it was last put off for quiet hours. No row is written for it.
 */
export function timelineOf(record: History, sendAt: number | null): TimelineEntry[] {
  const { message, attempts, replays, feedback } = record;
  const ends: End[] = [...replays, message].map((end, life) => ({ ...end, life }));
  const lifeAt = (instant: number) => replays.filter(({ at }) => at <= instant).length;
  const { createdAt } = message;
  const created: Moment = {
    at: createdAt,
    life: 0,
    status: firstStatus(ends, attempts, createdAt, sendAt),
  };
  const moments: Moment[] = [
    created,
    ...replays.map(({ at }, index) => ({ at, life: index + 1, status: 'queued' as const })),
    ...attempts.flatMap((attempt) =>
      momentsOf(attempt, lifeOf(attempt, replays), cameTooLate(attempt, record) ? undefined : ends),
    ),
  ];
  const { deferredAt } = message;
  if (deferredAt !== null) {
    moments.push({ at: deferredAt, life: lifeAt(deferredAt), status: 'scheduled', reason: 'quiet_hours' });
  }
  for (const { life, status: last, reason, endedAt } of ends) {
    // What was delivered had ended when it was sent.
    const status = last === 'delivered' ? 'sent' : last;
    if (endedAt === null || moments.some((told) => told.at === endedAt && told.status === status)) continue;
    moments.push({ at: endedAt, life, status, ...(reason && { reason }) });
  }
  for (const { type, at, source, code } of feedback) {
    moments.push({ at, life: lifeAt(at), feedback: type, source, ...(code !== null && { code }) });
  }
  if (message.status === 'delivered') {
    const told = feedback.findLast(({ type }) => type === 'delivered');
    const at = told?.receivedAt ?? message.endedAt ?? createdAt;
    moments.push({ at, life: replays.length, status: 'delivered' });
  }
  // Nothing came before it was accepted, though others' clocks may say so: many tell only the second.
  const isLater = (one: Moment) => Number(one !== created);
  return moments
    .sort((one, other) => isLater(one) - isLater(other) || one.at - other.at || one.life - other.life)
    .map(({ at, life: _, ...rest }) => ({ at: toIso(at), ...rest }));
}

/** Replays before an attempt. */
function lifeOf({ generation }: AttemptRow, replays: ReplayRow[]): number {
  return replays.filter((replay) => replay.generation <= generation).length;
}

/**
 * Had its worker lost the message by the time the attempt was over, since the message had ended or another had begun?
 * Then what it learned is on record and moved nothing, but for a success, which wins however late.
 */
export function cameTooLate(
  attempt: AttemptRow,
  { message, attempts, replays }: Pick<History, 'message' | 'attempts' | 'replays'>,
): boolean {
  const { number, outcome, finishedAt } = attempt;
  if (outcome === 'sent' || finishedAt === null) return false;
  const end = [...replays, message][lifeOf(attempt, replays)]?.endedAt ?? finishedAt;
  const next = attempts.find((one) => one.number === number + 1)?.startedAt ?? finishedAt;
  return Math.min(end, next) < finishedAt;
}

/** Without `ends` it moved nothing, and the message has no other status by it. */
function momentsOf(attempt: AttemptRow, life: number, ends: End[] | undefined): Moment[] {
  const { number, startedAt, finishedAt, reason, code } = attempt;
  const started: Moment = { at: startedAt, life, status: 'sending', attempt: number };
  if (finishedAt === null) return [started];
  const status = ends && statusOf(attempt, ends);
  const told = { ...(reason && { reason }), ...(code !== null && { code }) };
  return [started, { at: finishedAt, life, ...(status && { status }), attempt: number, ...told }];
}

/**
 * A try that would be repeated may have been the last, there was nobody to try, or one that was refused came after one
 * in doubt: it shares the instant of an end.
 */
function statusOf(attempt: AttemptRow, ends: End[]): MessageStatus {
  const after = statusAfter[attempt.outcome];
  if (after !== 'retrying' && after !== 'failed') return after;
  const endedByIt = ends.find(({ endedAt, status }) => endedAt === attempt.finishedAt && status !== 'sent');
  return endedByIt?.status ?? after;
}

function firstStatus(
  ends: End[],
  attempts: AttemptRow[],
  createdAt: number,
  sendAt: number | null,
): MessageStatus {
  if (sendAt !== null) return 'scheduled';
  const [first] = ends;
  return attempts.length === 0 && first?.endedAt === createdAt ? first.status : 'queued';
}
