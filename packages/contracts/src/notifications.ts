import { z } from 'zod';
import { channelContent } from './content.ts';
import { deviceToken } from './devices.ts';
import { emailParts } from './email-parts.ts';
import { idSchema } from './ids.ts';
import { bulkMaxBodyBytes, operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { problemDocument } from './problem.ts';
import { channels, lanes, messageStatuses, notificationStatuses, reasons } from './statuses.ts';
import { emailAddress, instant, jsonObject, lineOfText, locale } from './text.ts';

const externalOrInternalId = lineOfText(255).meta({ examples: ['user-42'] });

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

/** Which channels are asked for, each once. */
export const channelChoice = z
  .array(z.enum(channels))
  .min(1)
  .max(channels.length)
  .refine((list) => new Set(list).size === list.length, { message: 'must not repeat a channel' });

const sendFields = z.strictObject({
  to: notificationTo,
  channels: channelChoice.optional(),
  template: templateKey.optional(),
  content: channelContent.optional(),
  email: emailParts.optional(),
  data: jsonObject.default({}),
  locale: locale.optional(),
  lane: z.enum(lanes).default('normal').meta({
    description: 'How urgent it is. Critical messages have queues and workers of their own.',
  }),
  category: lineOfText(100).optional(),
  sendAt: instant.optional(),
  expiresAt: instant.optional().meta({
    description:
      'What is not sent by then ends as expired. Without it, 1 hour after sendAt, or after now, in the lane critical, and 72 hours in the others.',
    examples: ['2027-02-01T08:00:00Z'],
  }),
  metadata: jsonObject.default({}),
});

const sendExample = {
  to: { email: 'ada@example.com', name: 'Ada' },
  template: 'welcome_email',
  data: { name: 'Ada', link: 'https://example.com/confirm' },
  lane: 'high',
  metadata: { order: '1042' },
};

/** Says either what it says or which template does. */
function takesOneContent<Input extends z.ZodObject>(input: Input): Input {
  return input.refine(
    ({ template, content }: { template?: unknown; content?: unknown }) =>
      (template === undefined) !== (content === undefined),
    { message: 'needs either template or content' },
  );
}

/** Everything one notification is asked with. */
export const sendInput = takesOneContent(
  sendFields.extend({ idempotencyKey: idempotencyKey.optional() }),
).meta({ examples: [sendExample] });
export type SendInput = z.infer<typeof sendInput>;

/** The same, asked in order to know what would become of it. */
export const dryRunInput = takesOneContent(sendFields).meta({ examples: [sendExample] });

/** The line about one message in the answer to a send. */
export const acceptedMessage = z.strictObject({
  id: idSchema('message'),
  channel: z.enum(channels),
  status: z.enum(messageStatuses).meta({ examples: ['queued'] }),
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
export const sendManyInput = z.strictObject({
  items: z
    .array(z.unknown())
    .min(1)
    .max(1000)
    .meta({
      description: 'Each is what a single send takes, with an idempotencyKey of its own.',
      examples: [
        [
          {
            to: { recipientId: 'user-42' },
            template: 'welcome_email',
            data: { name: 'Ada', link: 'https://example.com/confirm' },
            idempotencyKey: 'req_123',
          },
        ],
      ],
    }),
});

/** The result of one item of a bulk send, by its place in the request. */
export const sendManyItem = z.union([
  z.strictObject({ index: z.int().min(0), ...sendOutput.shape }),
  z.strictObject({
    index: z.int().min(0),
    error: problemDocument,
  }),
]);
export const sendManyOutput = z.strictObject({ items: z.array(sendManyItem) });
export type SendManyOutput = z.infer<typeof sendManyOutput>;

/** A notification as it stands now. */
export const notificationView = z.strictObject({
  id: idSchema('notification'),
  status: z.enum(notificationStatuses),
  template: z
    .string()
    .nullable()
    .meta({ examples: ['welcome_email'] }),
  templateVersion: z
    .int()
    .nullable()
    .meta({ examples: [1] }),
  lane: z.enum(lanes),
  category: z
    .string()
    .nullable()
    .meta({ examples: ['onboarding'] }),
  locale: z
    .string()
    .nullable()
    .meta({ examples: ['fr-CA'] }),
  metadata: jsonObject.meta({ examples: [{ order: '1042' }] }),
  createdAt: z.iso.datetime(),
  sendAt: z.iso
    .datetime()
    .nullable()
    .meta({ examples: [null] }),
  expiresAt: z.iso.datetime(),
  payloadRemovedAt: z.iso.datetime().nullable().meta({
    description: 'Since when content, data, metadata and addresses are gone: by retention, or by an erasure.',
  }),
  messages: z.array(acceptedMessage),
});
export type NotificationView = z.infer<typeof notificationView>;

const notificationId = z.strictObject({ id: idSchema('notification') });

/**
 * What became of each message of a cancel: `pending` is being sent and ends canceled if it would be retried, `too_late`
 * was sent, or may have been, or had ended otherwise.
 */
export const cancelOutput = z.strictObject({
  id: idSchema('notification'),
  messages: z.array(
    z.strictObject({ id: idSchema('message'), result: z.enum(['canceled', 'pending', 'too_late']) }),
  ),
});

/** Filters and page of a list, newest first. `after` and `before` are ids from an earlier page. */
export const listNotificationsInput = takesOneCursor(
  z.strictObject({
    status: z.enum(notificationStatuses).optional(),
    template: templateKey.optional(),
    lane: z.enum(lanes).optional(),
    recipientId: externalOrInternalId.optional(),
    ...pageFields(idSchema('notification')),
  }),
);
export type ListNotificationsInput = z.infer<typeof listNotificationsInput>;

export const listNotificationsOutput = pageOutput(notificationView, idSchema('notification'));

export const sendNotification = operation({
  name: 'notifications.send',
  summary: 'Accept one notification. The answer comes after it is on disk.',
  method: 'POST',
  path: '/v1/notifications',
  status: 202,
  access: { scope: 'send' },
  input: sendInput,
  output: sendOutput,
  errors: [
    'idempotency_key_reused',
    'recipient_not_found',
    'template_not_found',
    'channel_without_content',
    'invalid_variables',
    'invalid_template',
    'invalid_time',
    'overloaded',
  ],
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
  errors: ['invalid_idempotency_key', 'overloaded'],
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
  errors: ['not_found'],
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
  errors: ['not_found'],
});
