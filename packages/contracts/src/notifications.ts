import { z } from 'zod';
import { channelContent } from './content.ts';
import { type ErrorCode, errorCatalogue } from './errors.ts';
import { idSchema } from './ids.ts';
import { bulkMaxBodyBytes, operation } from './operation.ts';
import { channels, lanes, messageStatuses, notificationStatuses, platforms, reasons } from './statuses.ts';
import { emailAddress, instant, jsonObject, lineOfText, locale } from './text.ts';

const externalOrInternalId = lineOfText(255).meta({ examples: ['user-42'] });

/**
 * A device token of its platform: printable ASCII. FCM's have some 160 characters; more than 2,048 would not fit
 * the unique index of tokens, since Postgres takes entries of at most 2,704 bytes.
 */
export const deviceToken = z.strictObject({
  platform: z.enum(platforms),
  token: z
    .string()
    .regex(/^[\x21-\x7e]{1,2048}$/, 'must be 1 to 2,048 printable ASCII characters without spaces'),
});

/** Who receives: a recipient by the application's own id (or `rcp_…`), an address, or a device. */
export const notificationTo = z.union([
  z.strictObject({ recipientId: externalOrInternalId }),
  z.strictObject({ email: emailAddress, name: lineOfText(200).optional() }),
  z.strictObject({ device: deviceToken }),
]);

/** A key that makes a request safe to repeat: 1 to 255 printable ASCII characters. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces')
  .meta({ examples: ['req_123'] });

/** The application's own name of a template. */
export const templateKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/, 'must be a template key such as welcome_email')
  .meta({ examples: ['welcome_email'] });

/** Everything one notification is asked with. */
export const sendInput = z
  .strictObject({
    to: notificationTo,
    channels: z
      .array(z.enum(channels))
      .min(1)
      .max(channels.length)
      .refine((list) => new Set(list).size === list.length, { message: 'must not repeat a channel' })
      .optional(),
    template: templateKey.optional(),
    content: channelContent.optional(),
    data: jsonObject.default({}),
    locale: locale.optional(),
    lane: z.enum(lanes).default('normal'),
    category: lineOfText(100).optional(),
    sendAt: instant.optional(),
    expiresAt: instant.optional(),
    metadata: jsonObject.default({}),
    idempotencyKey: idempotencyKey.optional(),
  })
  .refine((input) => (input.template === undefined) !== (input.content === undefined), {
    message: 'needs either template or content',
  });
export type SendInput = z.infer<typeof sendInput>;

/** The line about one message in the answer to a send. */
export const acceptedMessage = z.strictObject({
  id: idSchema('message'),
  channel: z.enum(channels),
  status: z.enum(messageStatuses),
  reason: z.enum(reasons).optional(),
});

/** The answer to a send: everything is on disk. */
export const sendOutput = z.strictObject({
  id: idSchema('notification'),
  status: z.enum(notificationStatuses),
  messages: z.array(acceptedMessage),
});
export type SendOutput = z.infer<typeof sendOutput>;

/** Up to 1,000 items; each is parsed on its own, so that a bad one does not spoil the others. */
export const sendManyInput = z.strictObject({ items: z.array(z.unknown()).min(1).max(1000) });

const errorCodes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

/** The result of one item of a bulk send, by its place in the request. */
export const sendManyItem = z.union([
  z.strictObject({ index: z.int().min(0), ...sendOutput.shape }),
  z.strictObject({
    index: z.int().min(0),
    error: z.strictObject({
      code: z.enum(errorCodes),
      detail: z.string(),
      errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
    }),
  }),
]);
export const sendManyOutput = z.strictObject({ items: z.array(sendManyItem) });
export type SendManyOutput = z.infer<typeof sendManyOutput>;

/** A notification as it stands now. */
export const notificationView = z.strictObject({
  id: idSchema('notification'),
  status: z.enum(notificationStatuses),
  template: z.string().nullable(),
  templateVersion: z.int().nullable(),
  lane: z.enum(lanes),
  category: z.string().nullable(),
  locale: z.string().nullable(),
  metadata: jsonObject,
  createdAt: z.iso.datetime(),
  sendAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime(),
  messages: z.array(acceptedMessage),
});
export type NotificationView = z.infer<typeof notificationView>;

const notificationId = z.strictObject({ id: idSchema('notification') });

/** What became of each message of a cancel: `pending` is being sent and ends canceled if it would be retried. */
export const cancelOutput = z.strictObject({
  id: idSchema('notification'),
  messages: z.array(
    z.strictObject({ id: idSchema('message'), result: z.enum(['canceled', 'pending', 'too_late']) }),
  ),
});

/** Filters and page of a list, newest first. `after` and `before` are ids from an earlier page. */
export const listNotificationsInput = z
  .strictObject({
    status: z.enum(notificationStatuses).optional(),
    template: templateKey.optional(),
    lane: z.enum(lanes).optional(),
    recipientId: externalOrInternalId.optional(),
    limit: z.int().min(1).max(100).default(20),
    after: idSchema('notification').optional(),
    before: idSchema('notification').optional(),
  })
  .refine((input) => input.after === undefined || input.before === undefined, {
    message: 'takes after or before, not both',
  });
export type ListNotificationsInput = z.infer<typeof listNotificationsInput>;

/** A page. `after` leads to older items, `before` to newer ones; null where there are none. */
export const listNotificationsOutput = z.strictObject({
  items: z.array(notificationView),
  after: idSchema('notification').nullable(),
  before: idSchema('notification').nullable(),
});

export const sendNotification = operation({
  name: 'notifications.send',
  summary: 'Accept one notification. The answer comes after it is on disk.',
  method: 'POST',
  path: '/v1/notifications',
  status: 202,
  access: { scope: 'send' },
  input: sendInput,
  output: sendOutput,
  idempotencyHeader: true,
});

export const sendManyNotifications = operation({
  name: 'notifications.sendMany',
  summary: 'Accept up to 1,000 notifications, each with a result of its own.',
  method: 'POST',
  path: '/v1/notifications/bulk',
  status: 202,
  access: { scope: 'send' },
  input: sendManyInput,
  output: sendManyOutput,
  maxBodyBytes: bulkMaxBodyBytes,
});

export const getNotification = operation({
  name: 'notifications.get',
  summary: 'One notification and the status of its messages.',
  method: 'GET',
  path: '/v1/notifications/{id}',
  status: 200,
  access: { scope: 'read' },
  input: notificationId,
  output: notificationView,
});

export const listNotifications = operation({
  name: 'notifications.list',
  summary: 'Notifications, newest first.',
  method: 'GET',
  path: '/v1/notifications',
  status: 200,
  access: { scope: 'read' },
  input: listNotificationsInput,
  output: listNotificationsOutput,
});

export const cancelNotification = operation({
  name: 'notifications.cancel',
  summary: 'Stop what is not yet being sent, with a result per message.',
  method: 'POST',
  path: '/v1/notifications/{id}/cancel',
  status: 200,
  access: { scope: 'send' },
  input: notificationId,
  output: cancelOutput,
});
