import { hasEnded, type MessageStatus, transitions } from '@tidings/contracts';

/** What the provider does with a message, time after time. `waits`: it has it in full and does not answer. */
export const answers = ['sent', 'transient', 'rejected', 'bounced', 'ambiguous', 'held', 'waits'] as const;
export type ProviderAnswer = (typeof answers)[number];

/** Failures after which a message is a dead letter. */
export const budget = 4;

/** What is known of one message from outside: what was asked for it, and what happened around it. */
export interface Known {
  script: readonly ProviderAnswer[];
  /** In doubt it is not sent again. */
  holds: boolean;
  /** It is asked to be sent later, and only in time. */
  scheduled: boolean;
  expires: boolean;
  timePassed: boolean;
  /** A cancel was answered `pending` or `canceled`, or too late for one in doubt; the last two are ends. */
  cancel: 'none' | 'pending' | 'canceled' | 'in_doubt';
  replays: number;
  /** How often a worker may have lost it while it sent: killed, or robbed of its lease. */
  doubts: number;
  /** The last status that was seen, and whether what can take an end back has happened since. */
  seen: MessageStatus;
  mayHaveLeftEnd: boolean;
}

/** What a message begins as. */
export function known(asked: Pick<Known, 'script' | 'holds' | 'scheduled' | 'expires'>): Known {
  return {
    ...asked,
    timePassed: false,
    cancel: 'none',
    replays: 0,
    doubts: 0,
    seen: asked.scheduled ? 'scheduled' : 'queued',
    mayHaveLeftEnd: false,
  };
}

/** Every status that a message may end with, once nothing more is asked and a provider that answers is there. */
export function possibleEnds(message: Known): Set<MessageStatus> {
  const { script, holds, cancel, replays, doubts } = message;
  const ends = new Set<MessageStatus>();
  const isLate = message.expires && message.timePassed;
  if (cancel === 'canceled' && replays === 0) {
    // Nobody is told so of what may have been delivered.
    return ends.add('canceled');
  }
  // A replay takes up the script wherever it was, with a fresh budget.
  const starts = replays === 0 ? [0] : Array.from({ length: script.length + 1 }, (_, index) => index);
  for (const start of starts) walk(start, 0, false);
  // What bounced put its address on the list of suppressions, and there a replay ends.
  if (replays > 0 && script.includes('bounced')) {
    ends.add('suppressed');
    if (doubts > 0) ends.add('unknown');
  }
  return ends;

  function walk(at: number, failures: number, inDoubt: boolean): void {
    const answer = script[at] ?? 'sent';
    if (cancel === 'pending' || cancel === 'canceled') endWith('canceled');
    if (cancel === 'in_doubt' && (inDoubt || doubts > 0)) ends.add('unknown');
    if (isLate) endWith('expired');
    const isLast = failures + 1 >= budget;
    const isLost = answer === 'waits' || doubts > 0;
    if (isLost && (holds || cancel !== 'none' || isLate)) ends.add('unknown');
    if (isLost && !holds && at < script.length) walk(at + 1, failures, inDoubt || answer === 'waits');
    if (answer === 'sent' || answer === 'waits') ends.add('sent');
    if (answer === 'rejected') endWith('failed');
    if (answer === 'bounced') ends.add('bounced');
    if (answer === 'held') walk(at + 1, failures, inDoubt);
    if (answer === 'transient') isLast ? endWith('failed') : walk(at + 1, failures + 1, inDoubt);
    if (answer === 'ambiguous') isLast || holds ? ends.add('unknown') : walk(at + 1, failures + 1, true);

    /** What may have been delivered ends as unknown: for sure after an answer in doubt, maybe where a worker was lost. */
    function endWith(status: MessageStatus): void {
      if (!inDoubt) ends.add(status);
      if (inDoubt || doubts > 0) ends.add('unknown');
    }
  }
}

/** Copies that may have gone out: one, and one more for each time it was not known whether one had. */
export function copiesAtMost(message: Known, ambiguous: number): number {
  return 1 + ambiguous + message.doubts;
}

/** May a message that was seen in one status be seen in another one later? By the table, over any number of moves. */
export function mayFollow(message: Known, next: MessageStatus): boolean {
  const reached = new Set([message.seen]);
  for (const status of reached) {
    // A delivery stays: no provider here reports a bounce later. Other ends are left by a replay or a late success.
    if (status === 'sent' || (hasEnded(status) && !message.mayHaveLeftEnd)) continue;
    for (const to of transitions[status]) reached.add(to);
  }
  return reached.has(next);
}
