import {
  type AttemptOutcome,
  countsFailure,
  type DecisionRule,
  failuresAtMost,
  hasEnded,
  type MessageDecision,
  type MessageStatus,
  queueFor,
  type Reason,
  reasonsExplained,
  type TimelineEntry,
} from '@tidings/contracts';
import type { AttemptRow, MessageRow, MessageWithHistory, NotificationRow, ReplayRow } from '@tidings/db';
import type { ChosenLocale } from '@tidings/templates';
import { toIso } from '../iso.ts';
import { cameTooLate, timelineOf } from './timeline.ts';

/** What is known of a version that a message was rendered with. */
export interface UsedVersion {
  version: number;
  chosen: ChosenLocale | undefined;
}

interface Known {
  found: MessageWithHistory;
  notification: NotificationRow;
  /** By their ids. */
  versions: ReadonlyMap<string, UsedVersion>;
}

/**
 * Every decision about a message, first to last: its timeline, with the rule behind each line. All of it follows from
 * what is stored anyway.
 */
export function explanationOf(known: Known): MessageDecision[] {
  const [first, ...rest] = timelineOf(known.found, known.found.sendAt);
  if (first?.status === undefined) return [];
  return [
    ...beginning({ ...first, status: first.status }, known),
    ...rest.map((entry) => decisionOn(entry, known)),
    ...waiting(known.found),
  ];
}

/** For a provider it waits without an attempt, so that its history has no line for it. */
function waiting({ message, attempts }: MessageWithHistory): MessageDecision[] {
  const { status, reason, dueAt } = message;
  const isTold = attempts.at(-1)?.reason === reason && attempts.at(-1)?.number === message.attempt;
  if (status !== 'retrying' || isTold) return [];
  if (reason !== 'provider_unavailable' && reason !== 'rate_limited') return [];
  const { rule, text } = reasonsExplained[reason];
  const at = toIso(dueAt);
  return [
    { at, rule, status, reason, text: `${text}. It is looked at again by then, and no failure is counted.` },
  ];
}

/** How it was accepted; where there was nobody to send it to, that was its end. */
function beginning(
  entry: TimelineEntry & { status: MessageStatus },
  { found, notification, versions }: Known,
): MessageDecision[] {
  const { message, sendAt } = found;
  const { at, status } = entry;
  const { templateKey, templateId, templateVersion } = notification;
  const said =
    templateKey === null
      ? `content of its own${notification.locale === null ? '' : ` in ${notification.locale}`}`
      : `version ${templateVersion} of ${templateKey}${inLocale(versions.get(templateId ?? '')?.chosen)}`;
  const accepted: MessageDecision = {
    at,
    rule: 'acceptance',
    status,
    text: `Accepted for ${message.channel} with ${said}.`,
  };
  const [firstEnd = message] = found.replays;
  if (hasEnded(status) && firstEnd.reason !== null) return [accepted, decision(entry, firstEnd.reason)];
  const queue = queueFor(message.channel, message.lane);
  const lane: MessageDecision = {
    at,
    rule: 'lane',
    status,
    text: `Goes through the queue ${queue} in the lane ${message.lane}, until ${toIso(message.expiresAt)} at most.`,
  };
  if (sendAt === null) return [accepted, lane];
  const text = `It is to be sent at ${toIso(sendAt)} and waits for that.`;
  return [accepted, lane, { at, rule: 'send_at', status, text }];
}

const localeRules: Readonly<Record<ChosenLocale['rule'], string>> = {
  wanted: 'asked for by the send, or else the recipient',
  project: "the project's own",
  english: 'which is left when nothing that was asked for is there',
  any: 'which is all that there is',
};

function inLocale(chosen: ChosenLocale | undefined): string {
  return chosen === undefined ? '' : ` in ${chosen.locale}, ${localeRules[chosen.rule]}`;
}

function decisionOn(entry: TimelineEntry, known: Known): MessageDecision {
  const { attempts, replays, message } = known.found;
  if (entry.feedback !== undefined) {
    return { ...entry, rule: 'report', text: `${entry.source} told that it was ${entry.feedback}.` };
  }
  const attempt = attempts.find(({ number }) => number === entry.attempt);
  if (entry.status === 'sending') {
    return { ...entry, rule: 'claim', text: `A worker took it in hand for attempt ${entry.attempt}.` };
  }
  if (attempt !== undefined) return afterAttempt(entry, attempt, known.found);
  const at = Date.parse(entry.at);
  if (entry.status === 'queued') return replayed(entry, replays, known.versions);
  if (entry.status === 'scheduled') {
    const text = `${reasonsExplained.quiet_hours.text}: it waits for their end.`;
    return { ...entry, rule: 'quiet_hours', text };
  }
  const ended = [message, ...replays].find((end) => end.endedAt === at && end.status === entry.status);
  const reason = entry.reason ?? ended?.reason ?? undefined;
  if (reason === undefined) return reported(entry);
  if (entry.status === 'unknown') {
    const wasCanceled = ended === message && message.cancelRequestedAt !== null;
    return decision(entry, reason, wasCanceled ? ', and a cancel came too late to prevent it' : notAgain);
  }
  return decision(entry, reason, entry.status === 'expired' ? beyondExpiry(reason) : '');
}

const notAgain = ', and it was not tried again';

function decision(entry: TimelineEntry, reason: Reason, more = ''): MessageDecision {
  const { rule, text } = reasonsExplained[reason];
  return { ...entry, reason, rule, text: `${text}${more}.` };
}

function beyondExpiry(reason: Reason): string {
  return reason === 'quiet_hours' ? ', and their end would be too late' : '';
}

/** A delivery that is not an attempt's: somebody reported it, or its attempt was removed by retention. */
function reported(entry: TimelineEntry): MessageDecision {
  const text =
    entry.status === 'sent' ? 'A provider took it.' : `It was reported as ${entry.status} after it was sent.`;
  return { ...entry, rule: entry.status === 'sent' ? 'provider_answer' : 'report', text };
}

function replayed(entry: TimelineEntry, replays: ReplayRow[], versions: Known['versions']): MessageDecision {
  const replay = replays.find(({ at }) => toIso(at) === entry.at);
  const pinned = replay?.templateId == null ? undefined : versions.get(replay.templateId);
  const said = pinned === undefined ? 'as it was accepted' : `with version ${pinned.version}`;
  return { ...entry, rule: 'replay', text: `Somebody sent it again, ${said}, with a fresh budget.` };
}

function afterAttempt(entry: TimelineEntry, attempt: AttemptRow, found: MessageWithHistory): MessageDecision {
  const { provider, code, outcome, number } = attempt;
  const told = {
    ...entry,
    attempt: number,
    outcome,
    ...(provider !== null && { provider }),
    ...(code !== null && { code }),
  };
  const who = provider ?? 'the provider';
  const answered = code === null ? '' : `${who}: ${code}. `;
  if (entry.status === undefined) {
    return {
      ...told,
      rule: 'lost_worker',
      text: `${answered}Its worker had lost it by then: nothing changed.`,
    };
  }
  if (entry.status === 'sent') {
    return { ...told, rule: 'provider_answer', text: `${answered}It took the message.` };
  }
  const next = entry.status === 'retrying' ? retried(attempt, found) : undefined;
  const reason = next?.reason ?? reasonOfEnd(attempt, found) ?? entry.reason ?? 'rejected';
  const { rule } = reasonsExplained[reason];
  const isDoubtOfBefore = entry.status === 'unknown' && doubtAfter[outcome] !== reason;
  const { text } = reasonsExplained[isDoubtOfBefore ? (attempt.reason ?? reason) : reason];
  const more = isDoubtOfBefore ? afterDoubt : next?.text;
  return {
    ...told,
    reason,
    rule: next?.rule ?? rule,
    text: `${answered}${text}.${more === undefined ? '' : ` ${more}`}`,
  };
}

/** The reason of an end as unknown, by the attempt that leaves the doubt. */
const doubtAfter: Partial<Record<AttemptOutcome, Reason>> = { ambiguous: 'ambiguous', lost: 'worker_lost' };

const afterDoubt = 'An attempt before may have arrived, so nobody can say that the message did not.';

function reasonOfEnd({ finishedAt }: AttemptRow, { message, replays }: MessageWithHistory): Reason | null {
  const ends: Array<Pick<MessageRow, 'endedAt' | 'reason'>> = [...replays, message];
  return ends.find(({ endedAt }) => endedAt !== null && endedAt === finishedAt)?.reason ?? null;
}

/** Why it is tried again, and when that was. */
function retried(
  attempt: AttemptRow,
  found: MessageWithHistory,
): { rule: DecisionRule; reason: Reason; text: string } {
  const { outcome } = attempt;
  const after = `tried again${delayAfter(attempt, found)}`;
  if (outcome === 'lost') {
    const text = `Another takes it over, and no failure is counted: ${after}.`;
    return { rule: 'lost_worker', reason: 'worker_lost', text };
  }
  if (!countsFailure[outcome]) {
    const reason = attempt.reason ?? 'provider_unavailable';
    const text = `No failure is counted: ${after}.`;
    return { rule: reasonsExplained[reason].rule, reason, text };
  }
  const text = `Failure ${failuresUpTo(attempt, found)} of ${failuresAtMost}: ${after}.`;
  if (outcome === 'ambiguous') {
    const policy = 'Its template says to send again under the same identity. ';
    return { rule: 'ambiguity', reason: 'ambiguous', text: policy + text };
  }
  return { rule: 'retry', reason: attempt.reason ?? 'provider_transient', text };
}

/** Counted failures since the last replay, this one included. */
function failuresUpTo(attempt: AttemptRow, found: MessageWithHistory): number {
  const lifeOf = (one: AttemptRow) =>
    found.replays.filter(({ generation }) => generation <= one.generation).length;
  return found.attempts.filter(
    (one) =>
      one.number <= attempt.number &&
      lifeOf(one) === lifeOf(attempt) &&
      countsFailure[one.outcome] &&
      !cameTooLate(one, found),
  ).length;
}

function delayAfter({ number, finishedAt }: AttemptRow, { attempts, message }: MessageWithHistory): string {
  const next = attempts.find((one) => one.number === number + 1);
  const nextAt = next?.startedAt ?? (message.endedAt === null ? message.dueAt : null);
  if (nextAt === null || finishedAt === null || nextAt < finishedAt) return '';
  return ` after ${((nextAt - finishedAt) / 1000).toFixed(1)} s`;
}
