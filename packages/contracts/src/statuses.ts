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
  'erased',
  'canceled_by_request',
  'expired',
  'rejected',
  'invalid_address',
  'attempts_exhausted',
  'provider_transient',
  'provider_unavailable',
  'provider_configuration',
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
