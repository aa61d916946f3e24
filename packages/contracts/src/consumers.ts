import { z } from 'zod';
import { copyStatuses } from './event-words.ts';
import { eventHead } from './events.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { queueSettings } from './subscription-settings.ts';
import {
  subscriptionFilter,
  subscriptionName,
  subscriptionTypes,
  subscriptionView,
} from './subscriptions.ts';
import { jsonObject } from './text.ts';

/** An event as consumers get it: the body of a webhook, the argument of a handler. */
export const deliveredEvent = z.strictObject({
  ...eventHead,
  id: eventHead.id.meta({ description: 'The same however often it is handed over.' }),
  timestamp: z.iso.datetime().meta({ description: 'When it happened.' }),
  data: jsonObject,
});
export type DeliveredEvent = z.infer<typeof deliveredEvent>;

/** One copy in the hands of a consumer, until `leaseUntil`. */
export const receivedCopy = z.strictObject({
  copyId: idSchema('copy'),
  token: z.string().meta({ description: 'Shows who settles it that it is still theirs.' }),
  attempt: z.int().meta({ examples: [1] }),
  leaseUntil: z.iso.datetime(),
  event: deliveredEvent,
});
export type ReceivedCopy = z.infer<typeof receivedCopy>;

const name = subscriptionName;
const leaseSeconds = z
  .int()
  .min(5)
  .max(3600)
  .default(60)
  .meta({
    description: 'For how long they are the caller’s alone. What is not settled by then is handed out again.',
    examples: [60],
  });

export const subscribeConsumer = operation({
  name: 'consumers.subscribe',
  summary: 'See to it that there is a queue of this name for these events. Repeating it changes nothing.',
  method: 'PUT',
  path: '/v1/consumers/{name}',
  status: 200,
  access: { scope: 'consume' },
  errors: ['subscription_name_taken', 'invalid_subscription', 'too_many_subscriptions'],
  input: z.strictObject({
    name,
    types: subscriptionTypes,
    filter: subscriptionFilter.nullable().default(null),
    ordered: queueSettings.shape.ordered,
    maxFailures: queueSettings.shape.maxFailures,
  }),
  output: subscriptionView,
});

export const receiveCopies = operation({
  name: 'consumers.receive',
  summary: 'Take copies out of a queue; waits for the first. Each is to be settled.',
  method: 'POST',
  path: '/v1/consumers/{name}/receive',
  status: 200,
  access: { scope: 'consume' },
  errors: ['not_found', 'queue_unavailable'],
  input: z.strictObject({
    name,
    limit: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .meta({ examples: [10] }),
    waitSeconds: z
      .int()
      .min(0)
      .max(20)
      .default(20)
      .meta({ examples: [20] }),
    leaseSeconds,
  }),
  output: z.strictObject({ items: z.array(receivedCopy) }),
});

const held = { copyId: idSchema('copy'), token: z.string().min(1).max(100) };

export const settleCopies = operation({
  name: 'consumers.settle',
  summary: 'Say of copies that they are done, or that they failed and are to come again.',
  method: 'POST',
  path: '/v1/consumers/{name}/settle',
  status: 200,
  access: { scope: 'consume' },
  errors: ['not_found'],
  input: z.strictObject({
    name,
    items: z
      .array(
        z.union([
          z.strictObject({ ...held, outcome: z.literal('done') }),
          z.strictObject({
            ...held,
            outcome: z.literal('failed'),
            error: z
              .string()
              .max(1000)
              .optional()
              .meta({ examples: ['out of stock'] }),
          }),
        ]),
      )
      .min(1)
      .max(100),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        copyId: idSchema('copy'),
        status: z
          .enum([...copyStatuses, 'lost'])
          .meta({ description: 'lost: the lease had run out and somebody else has it, or it has ended.' }),
      }),
    ),
  }),
});

export const extendLeases = operation({
  name: 'consumers.extend',
  summary: 'Keep copies in hand for longer.',
  method: 'POST',
  path: '/v1/consumers/{name}/extend',
  status: 200,
  access: { scope: 'consume' },
  errors: ['not_found'],
  input: z.strictObject({ name, items: z.array(z.strictObject(held)).min(1).max(100), leaseSeconds }),
  output: z.strictObject({ kept: z.array(idSchema('copy')), leaseUntil: z.iso.datetime() }),
});
