import { z } from 'zod';
import { channelChoice, templateKey } from './notifications.ts';
import { lanes } from './statuses.ts';
import { jsonObject, lineOfText, locale } from './text.ts';

/** Where in an event something stands (RFC 6901): `/data/customer/email`, `/subject`. */
const pointer = z
  .string()
  .max(500)
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer such as /data/customer/email')
  .meta({ examples: ['/data/customer/email'] });

/** Any JSON; it cannot be left out. */
const constant = z
  .union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.unknown()), jsonObject])
  .meta({ examples: ['Acme'] });

/** Characters of a rule's data as JSON: every fan-out reads all rules of a project. */
const mappingAtMost = 32_768;

/** What a template's variable gets: what stands somewhere in the event, or always the same. */
const mapped = z.union([z.strictObject({ pointer }), z.strictObject({ value: constant })]);

const notifySettings = z.strictObject({
  kind: z.literal('notify'),
  to: z
    .union([
      z.strictObject({ recipientId: pointer }),
      z.strictObject({ email: pointer, name: pointer.optional() }),
    ])
    .meta({ description: 'Where in the event the recipient stands.' }),
  template: templateKey,
  channels: channelChoice.optional(),
  data: z
    .record(z.string().min(1).max(256), mapped)
    .refine((record) => Object.keys(record).length <= 200, {
      message: 'must not have more than 200 variables',
    })
    .refine((record) => JSON.stringify(record).length <= mappingAtMost, {
      message: `must not be longer than ${mappingAtMost} characters`,
    })
    .optional()
    .meta({
      description: 'What the template is told; the whole data of the event when left out.',
      examples: [{ order: { pointer: '/data/orderId' }, shop: { value: 'Acme' } }],
    }),
  locale: locale.optional(),
  lane: z.enum(lanes).default('normal'),
  category: lineOfText(100).optional(),
  delaySeconds: z
    .int()
    .min(0)
    .max(30 * 24 * 3600)
    .default(0)
    .meta({ description: 'How long after the event was published it is sent.', examples: [0] }),
});

const ordered = z.boolean().default(false).meta({
  description:
    'One event after the other, in the order they were published: the next waits until the one before was delivered or failed for good.',
});

const webhookSettings = z.strictObject({
  kind: z.literal('webhook'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .refine(hasNoCredentials, { message: 'must not hold a user name or a password' })
    .meta({ examples: ['https://shop.example/webhooks'] }),
  ordered,
});

export const queueSettings = z.strictObject({
  kind: z.literal('queue'),
  ordered,
  maxFailures: z.int().min(1).max(100).default(8).meta({
    description: 'After how many failures of its handler an event is a dead letter.',
  }),
});

function hasNoCredentials(url: string): boolean {
  // What is no URL is refused as that already.
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}

/** What each kind of consumer needs. */
export const subscriptionSettings = z
  .discriminatedUnion('kind', [notifySettings, webhookSettings, queueSettings])
  .meta({
    examples: [
      { kind: 'webhook', url: 'https://shop.example/webhooks' },
      {
        kind: 'notify',
        to: { email: '/data/customer/email' },
        template: 'order_shipped',
        data: {
          name: { pointer: '/data/customer/name' },
          order: { pointer: '/data/orderId' },
          link: { pointer: '/data/parcel' },
          carrier: { value: 'Acme Post' },
        },
        lane: 'high',
      },
    ],
  });
export type SubscriptionSettings = z.infer<typeof subscriptionSettings>;
export type NotifySettings = z.infer<typeof notifySettings>;
export type QueueSettings = z.infer<typeof queueSettings>;

/** The same as they are kept: with what was left out. */
export const keptSettings = z.discriminatedUnion('kind', [
  notifySettings.extend({
    lane: notifySettings.shape.lane.unwrap(),
    delaySeconds: notifySettings.shape.delaySeconds.unwrap(),
  }),
  webhookSettings.extend({ ordered: ordered.unwrap() }),
  queueSettings.extend({ ordered: ordered.unwrap(), maxFailures: queueSettings.shape.maxFailures.unwrap() }),
]);
