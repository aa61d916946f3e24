import { type MessageStatus, messageStatuses, type NotificationStatus } from './statuses.ts';

/**
 * The state machine of a message: every allowed move, and nothing else moves a message.
 *
 * Some moves need a word. `sending → sent` and every `… → sent` from an end that is not a delivery is the
 * rule that a success wins however late it is learned: it was delivered. `scheduled → sent` is the same of a message that
 * was put off to the end of quiet hours while a try before was in doubt. `sending → canceled | expired`
 * happens only where the attempt would otherwise be retried, or like `sending → skipped | suppressed | scheduled |
 * retrying` in the commit that claimed the message, and no attempt was begun: its recipient opted out or has quiet
 * hours, its address is suppressed, or no provider of its route is well. `sending → bounced` may be told by the
 * provider too, before the outcome of the attempt is on record. `sending → skipped`
 * is also what a retry becomes whose recipient was erased meanwhile, or whose address no provider reaches. `scheduled |
 * queued | retrying | sending → unknown` is what every end but a bounce becomes that is no delivery, where an attempt
 * since the last replay was ambiguous or lost with its worker: the message may have been delivered. `… → queued` from
 * an end is a replay.
 */
export const transitions: Readonly<Record<MessageStatus, readonly MessageStatus[]>> = {
  scheduled: ['queued', 'sent', 'canceled', 'expired', 'skipped', 'unknown'],
  queued: ['sending', 'sent', 'canceled', 'expired', 'suppressed', 'skipped', 'scheduled', 'unknown'],
  retrying: ['sending', 'sent', 'canceled', 'expired', 'suppressed', 'skipped', 'scheduled', 'unknown'],
  sending: [
    'sending',
    'sent',
    'retrying',
    'failed',
    'bounced',
    'unknown',
    'canceled',
    'expired',
    'suppressed',
    'skipped',
    'scheduled',
  ],
  sent: ['delivered', 'bounced'],
  delivered: ['bounced'],
  failed: ['queued', 'sent'],
  bounced: ['queued', 'sent'],
  unknown: ['queued', 'sent'],
  expired: ['queued', 'sent'],
  canceled: ['queued', 'sent'],
  suppressed: ['queued', 'sent'],
  skipped: ['queued', 'sent'],
};

/** May a message move from one status to the other? */
export function canMove(from: MessageStatus, to: MessageStatus): boolean {
  return transitions[from].includes(to);
}

/** Statuses from which `to` can be reached: the guard of the statement that writes `to`. */
export function statusesBefore(to: MessageStatus): MessageStatus[] {
  return (Object.keys(transitions) as MessageStatus[]).filter((from) => transitions[from].includes(to));
}

/** Still to be worked on. */
export const openStatuses = [
  'scheduled',
  'queued',
  'sending',
  'retrying',
] as const satisfies readonly MessageStatus[];

/** Ends: nothing happens to the message any more by itself. */
export const endStatuses: readonly MessageStatus[] = messageStatuses.filter(
  (status) => !(openStatuses as readonly MessageStatus[]).includes(status),
);

/** Ends that a replay may take back: every one from which the table leads to `queued`, so no delivery. */
export const replayableStatuses: readonly MessageStatus[] = statusesBefore('queued').filter(hasEnded);

/** Ends that count as a delivery. */
export const deliveredStatuses = ['sent', 'delivered'] as const satisfies readonly MessageStatus[];

export function hasEnded(status: MessageStatus): boolean {
  return endStatuses.includes(status);
}

/**
 * A notification's status, from those of its messages: `accepted` (none ended), `partial` (some ended),
 * `completed` (all sent or delivered), `ended` (all ended, some of them otherwise).
 */
export function notificationStatus(messages: readonly MessageStatus[]): NotificationStatus {
  const ended = messages.filter(hasEnded);
  if (ended.length === 0 && messages.length > 0) return 'accepted';
  if (ended.length < messages.length) return 'partial';
  const delivered = ended.every((status) => (deliveredStatuses as readonly MessageStatus[]).includes(status));
  return delivered ? 'completed' : 'ended';
}
