import type { AttemptOutcome, Reason } from './statuses.ts';

/** Tries that fail and count before a message is a dead letter. */
export const failuresAtMost = 8;

/** Does an attempt that ended so count against the budget? Waiting for a provider, or losing a worker, does not. */
export const countsFailure: Readonly<Record<AttemptOutcome, boolean>> = {
  started: false,
  sent: false,
  transient: true,
  held: false,
  rejected: true,
  bounced: true,
  ambiguous: true,
  lost: false,
};

/** What decides about a message: a rule for everything that is done with it, and for everything that is not. */
export const decisionRules = [
  'acceptance',
  'send_at',
  'lane',
  'claim',
  'provider_answer',
  'retry',
  'hold',
  'ambiguity',
  'budget',
  'address',
  'device',
  'preference',
  'quiet_hours',
  'suppression',
  'no_provider',
  'configuration',
  'rendering',
  'erasure',
  'cancellation',
  'expiry',
  'lost_worker',
  'replay',
  'report',
] as const;
export type DecisionRule = (typeof decisionRules)[number];

/** Each reason of an end or a wait: the rule that gives it, and what it means. */
export const reasonsExplained: Readonly<Record<Reason, { rule: DecisionRule; text: string }>> = {
  no_address: { rule: 'address', text: 'The recipient has no address for this channel' },
  no_device: { rule: 'device', text: 'The recipient has no live device, or this one is its no more' },
  opted_out: {
    rule: 'preference',
    text: 'The recipient, or the project for who has said nothing, does not want this category on this channel',
  },
  quiet_hours: { rule: 'quiet_hours', text: "It is in the recipient's quiet hours" },
  no_provider: { rule: 'no_provider', text: 'No provider of the route reaches this platform' },
  hard_bounce: { rule: 'suppression', text: 'The address is on the suppression list: it does not exist' },
  complaint: { rule: 'suppression', text: 'The address is on the suppression list: its owner complained' },
  unsubscribed: {
    rule: 'suppression',
    text: 'The address is on the suppression list: its owner unsubscribed',
  },
  manual: { rule: 'suppression', text: 'The address is on the suppression list: somebody put it there' },
  erased: { rule: 'erasure', text: 'The recipient was erased' },
  canceled_by_request: { rule: 'cancellation', text: 'It was canceled before it was sent' },
  expired: { rule: 'expiry', text: 'Its time was over before it was sent, or would be before the next try' },
  rejected: { rule: 'provider_answer', text: 'The provider refused it for good' },
  invalid_address: { rule: 'provider_answer', text: 'The provider says that the address does not exist' },
  attempts_exhausted: { rule: 'budget', text: 'That was the last failure of its budget' },
  provider_transient: { rule: 'retry', text: 'The provider could not take it for now' },
  provider_unavailable: { rule: 'hold', text: 'The provider is unwell, or throttles' },
  provider_configuration: {
    rule: 'configuration',
    text: 'The provider does not accept who we are: credentials or TLS',
  },
  rate_limited: { rule: 'hold', text: 'Its provider has enough in hand, or is given no more for now' },
  connection_lost: { rule: 'retry', text: 'The connection to the provider was lost' },
  ambiguous: {
    rule: 'ambiguity',
    text: 'It was handed over and nobody knows whether the provider took it: it may have arrived',
  },
  worker_lost: {
    rule: 'lost_worker',
    text: 'Its worker was lost while it had it in hand: it may have arrived',
  },
  render_failed: { rule: 'rendering', text: 'Its content cannot be rendered with its data' },
  template_missing: { rule: 'rendering', text: 'There is no content for its channel any more' },
};
