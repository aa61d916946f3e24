import { z } from 'zod';
import { disabledReasons, subscriptionKinds, subscriptionStatuses } from './event-words.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { keptSettings, subscriptionSettings } from './subscription-settings.ts';
import { instant, jsonObject } from './text.ts';
import { webhookSecret } from './webhook-secrets.ts';

/** One type, all that begin with the same words (`order.*`), or all that applications publish (`*`). */
export const typePattern = z
  .string()
  .max(200)
  .regex(
    /^(\*|[A-Za-z0-9][\w-]*(\.[\w-]+)*(\.\*)?)$/,
    'must be a type such as order.created, a beginning such as order.*, or *',
  )
  .meta({ examples: ['order.*'] });

/** How a consumer is called, once in a project. */
export const subscriptionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/, 'must be lower-case letters, digits, - and _ such as stock-service')
  .meta({ examples: ['stock-service'] });

export const subscriptionTypes = z
  .array(typePattern)
  .min(1)
  .max(50)
  .meta({
    description:
      'What it is for. Happenings of Tidings itself are for those only that name them: message.failed, or message.*.',
    examples: [['order.*']],
  });

export const subscriptionFilter = z
  .string()
  .min(1)
  .max(2000)
  .meta({
    description:
      'An expression of CEL over type, subject, source and data; what it is not true for is not for this consumer.',
    examples: ['data.total >= 100 && data.country in ["FR", "DE"]'],
  });

const id = idSchema('subscription');

export const subscriptionView = z.strictObject({
  id,
  name: z.string().meta({ examples: ['stock-service'] }),
  kind: z.enum(subscriptionKinds),
  types: z.array(z.string()).meta({ examples: [['order.*']] }),
  filter: z
    .string()
    .nullable()
    .meta({ examples: [null] }),
  settings: keptSettings,
  status: z.enum(subscriptionStatuses),
  reason: z
    .enum(disabledReasons)
    .nullable()
    .meta({ description: 'Why it was disabled.', examples: [null] }),
  failingSince: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Since when nothing but failures came of it.', examples: [null] }),
  heldUntil: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Until when its endpoint asked to be left alone.', examples: [null] }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type SubscriptionView = z.infer<typeof subscriptionView>;

const counted = z.int().meta({ description: 'At most 10,000 are counted.', examples: [0] });

/** With how much waits for it. */
export const subscriptionDetail = z.strictObject({
  ...subscriptionView.shape,
  waiting: counted,
  sending: counted,
  failed: counted,
});

/** The secret that its requests are signed with: this answer is the only place where it ever stands. */
const shownSecret = z
  .string()
  .nullable()
  .meta({
    description: 'What its requests are signed with. Shown only here; null where it is no webhook.',
    examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  });

export const createSubscription = operation({
  name: 'subscriptions.create',
  summary: 'Give a consumer its own copy of matching events from now on.',
  method: 'POST',
  path: '/v1/subscriptions',
  status: 201,
  access: { scope: 'manage' },
  errors: ['subscription_name_taken', 'invalid_subscription', 'too_many_subscriptions'],
  input: z.strictObject({
    name: subscriptionName,
    types: subscriptionTypes,
    filter: subscriptionFilter.optional(),
    settings: subscriptionSettings,
    secret: webhookSecret.optional().meta({
      description: 'What a webhook is signed with (Standard Webhooks); made when left out.',
    }),
  }),
  output: z.strictObject({ ...subscriptionView.shape, secret: shownSecret }),
});

export const listSubscriptions = operation({
  name: 'subscriptions.list',
  summary: 'The consumers of the project, by name.',
  method: 'GET',
  path: '/v1/subscriptions',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(subscriptionView) }),
});

export const getSubscription = operation({
  name: 'subscriptions.get',
  summary: 'One consumer and how much waits for it.',
  method: 'GET',
  path: '/v1/subscriptions/{id}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: subscriptionDetail,
});

export const updateSubscription = operation({
  name: 'subscriptions.update',
  summary: 'Change a consumer, not its kind. Settings are replaced as a whole; copies already made stay.',
  method: 'PUT',
  path: '/v1/subscriptions/{id}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'subscription_name_taken', 'invalid_subscription'],
  input: z.strictObject({
    id,
    name: subscriptionName.optional(),
    types: subscriptionTypes.optional(),
    filter: subscriptionFilter.nullable().optional(),
    settings: subscriptionSettings.optional(),
  }),
  output: subscriptionView,
});

export const removeSubscription = operation({
  name: 'subscriptions.remove',
  summary: 'Forget a consumer. What waits for it is skipped.',
  method: 'DELETE',
  path: '/v1/subscriptions/{id}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: z.strictObject({ id }),
});

export const pauseSubscription = operation({
  name: 'subscriptions.pause',
  summary: 'Stop handing over; copies are made and wait.',
  method: 'POST',
  path: '/v1/subscriptions/{id}/pause',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: subscriptionView,
});

export const resumeSubscription = operation({
  name: 'subscriptions.resume',
  summary: 'Go on after a pause, or after Tidings disabled it: what waits is handed over.',
  method: 'POST',
  path: '/v1/subscriptions/{id}/resume',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: subscriptionView,
});

export const rotateSubscriptionSecret = operation({
  name: 'subscriptions.rotateSecret',
  summary: 'Sign with another secret. For a while requests are signed with both.',
  method: 'POST',
  path: '/v1/subscriptions/{id}/rotate-secret',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'not_a_webhook'],
  input: z.strictObject({
    id,
    secret: webhookSecret.optional(),
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * 24 * 3600)
      .default(24 * 3600)
      .meta({ description: 'How long the one before is used as well.', examples: [86_400] }),
  }),
  output: z.strictObject({
    id,
    secret: z.string().meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] }),
    previousUntil: z.iso.datetime().nullable(),
  }),
});

export const testSubscription = operation({
  name: 'subscriptions.test',
  summary: 'Make an event of type subscription.test for this consumer alone. Not for rules that notify.',
  method: 'POST',
  path: '/v1/subscriptions/{id}/test',
  status: 202,
  access: { scope: 'manage' },
  errors: ['not_found', 'not_testable'],
  input: z.strictObject({
    id,
    data: jsonObject.optional().meta({
      description: 'Goes with it, beside the name of the consumer.',
      examples: [{ orderId: '1042' }],
    }),
  }),
  output: z.strictObject({ eventId: idSchema('event'), copyId: idSchema('copy') }),
});

export const recoverSubscription = operation({
  name: 'subscriptions.recover',
  summary:
    'Catch up since a time: failed copies are handed over again, and matching events without a copy get one. A piece a call.',
  method: 'POST',
  path: '/v1/subscriptions/{id}/recover',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({
    id,
    since: instant,
    until: instant.optional(),
    limit: z
      .int()
      .min(1)
      .max(1000)
      .default(500)
      .meta({ description: 'Events looked at.', examples: [500] }),
    after: idSchema('event').optional().meta({ description: '`after` of the call before.' }),
  }),
  output: z.strictObject({
    made: z.int().meta({ description: 'Copies that there were none of.' }),
    resent: z.int().meta({ description: 'Failed copies that are handed over again.' }),
    more: z.boolean(),
    after: idSchema('event').nullable(),
  }),
});
