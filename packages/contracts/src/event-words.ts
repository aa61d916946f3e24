/** The three kinds of consumers. */
export const subscriptionKinds = ['notify', 'webhook', 'queue'] as const;
export type SubscriptionKind = (typeof subscriptionKinds)[number];

/**
 * `paused` by somebody: copies are made and wait. `disabled` by Tidings, since its endpoint is gone or failed for
 * days: copies that wait go on waiting, and no more are made.
 */
export const subscriptionStatuses = ['active', 'paused', 'disabled'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** Why Tidings disabled a webhook: it answered 410, or nothing but failures came of it for days. */
export const disabledReasons = ['endpoint_gone', 'failing'] as const;
export type DisabledReason = (typeof disabledReasons)[number];

/** Who an event comes from: the application published it, or it happened in Tidings itself. */
export const eventOrigins = ['application', 'tidings'] as const;
export type EventOrigin = (typeof eventOrigins)[number];

/** Every status of a copy; the last three are ends. */
export const copyStatuses = ['queued', 'sending', 'retrying', 'delivered', 'failed', 'skipped'] as const;
export type CopyStatus = (typeof copyStatuses)[number];

/** Those of a copy that waits, for its first try or another. */
export const waitingCopyStatuses = ['queued', 'retrying'] as const satisfies readonly CopyStatus[];

/** Why a copy waits for another try, or why it ended without a delivery. */
export const copyReasons = [
  // It is tried again.
  'endpoint_failed',
  'endpoint_busy',
  'connection_failed',
  'timed_out',
  'handler_failed',
  'overloaded',
  'secret_unreadable',
  // It ended.
  'attempts_exhausted',
  'endpoint_gone',
  'redirected',
  'unsafe_target',
  'filter_failed',
  'recipient_missing',
  'recipient_not_found',
  'template_not_found',
  'channel_without_content',
  'invalid_variables',
  'invalid_time',
  'rejected',
  'worker_lost',
  'subscription_removed',
  'payload_removed',
] as const;
export type CopyReason = (typeof copyReasons)[number];

/** How one try to hand over a copy ended. `held` and `lost` count as no failure. */
export const copyOutcomes = ['delivered', 'transient', 'held', 'rejected', 'lost'] as const;
export type CopyOutcome = (typeof copyOutcomes)[number];

/** What Tidings tells of itself, by the type of the event. Nobody else may publish these. */
export const happenings = [
  'message.sent',
  'message.delivered',
  'message.bounced',
  'message.failed',
  'message.unknown',
  'message.expired',
  'message.suppressed',
  'message.skipped',
  'message.canceled',
  'message.opened',
  'message.clicked',
  'message.complained',
  'recipient.unsubscribed',
  'subscription.disabled',
  'subscription.test',
] as const;
export type Happening = (typeof happenings)[number];

/** Is it a type that Tidings itself tells of? */
export function isHappening(type: string): type is Happening {
  return (happenings as readonly string[]).includes(type);
}
