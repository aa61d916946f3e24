/** What a message travels on. */
export const channels = ['email', 'push'] as const;
export type Channel = (typeof channels)[number];

/** How urgent a message is. `critical` has queues and workers of its own. */
export const lanes = ['critical', 'high', 'normal', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

/** Platforms a device token can belong to. */
export const platforms = ['fcm', 'onesignal', 'webpush'] as const;
export type Platform = (typeof platforms)[number];

/** Every status a message can have; how it moves between them is in `message-states.ts`. */
export const messageStatuses = [
  'scheduled',
  'queued',
  'sending',
  'retrying',
  'sent',
  'delivered',
  'bounced',
  'failed',
  'suppressed',
  'skipped',
  'canceled',
  'expired',
  'unknown',
] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** Derived from its messages, never stored: see `notificationStatus`. */
export const notificationStatuses = ['accepted', 'partial', 'completed', 'ended'] as const;
export type NotificationStatus = (typeof notificationStatuses)[number];

/** Machine-readable reason of every end that is not a delivery, and of every wait. */
export const reasons = [
  'no_address',
  'no_device',
  'opted_out',
  'quiet_hours',
  'no_provider',
  'hard_bounce',
  'complaint',
  'unsubscribed',
  'manual',
  'erased',
  'canceled_by_request',
  'expired',
  'rejected',
  'invalid_address',
  'attempts_exhausted',
  'provider_transient',
  'provider_unavailable',
  'provider_configuration',
  'rate_limited',
  'connection_lost',
  'ambiguous',
  'worker_lost',
  'render_failed',
  'template_missing',
] as const;
export type Reason = (typeof reasons)[number];

/** How one attempt ended. `started` is the only open one. */
export const attemptOutcomes = [
  'started',
  'sent',
  'transient',
  'held',
  'rejected',
  'bounced',
  'ambiguous',
  'lost',
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/**
 * Why an address is not sent to: it does not exist, its owner called a mail spam, took it off a list, or somebody who
 * operates the project put it there. `erased` is the trace of an address that was forgotten, and stops nothing.
 */
export const suppressionReasons = [
  'hard_bounce',
  'complaint',
  'unsubscribed',
  'manual',
  'erased',
] as const satisfies readonly Reason[];
export type SuppressionReason = (typeof suppressionReasons)[number];

/** What may be heard of a message after it was handed over. The first two move its status, the rest are facts beside it. */
export const feedbackTypes = [
  'delivered',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
] as const;
export type FeedbackType = (typeof feedbackTypes)[number];

/** Ends that are dead letters: what was to be delivered and was not, or may not have been. */
export const deadStatuses = [
  'failed',
  'bounced',
  'unknown',
  'expired',
] as const satisfies readonly MessageStatus[];
export type DeadStatus = (typeof deadStatuses)[number];
