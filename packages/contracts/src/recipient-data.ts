import { z } from 'zod';
import { channelContent } from './content.ts';
import { deviceView, webPushKeys } from './devices.ts';
import { describedEmailParts } from './email-parts.ts';
import { eventView } from './events.ts';
import { idSchema } from './ids.ts';
import { attemptView, feedbackView } from './messages.ts';
import { operation } from './operation.ts';
import { recipientId } from './recipient-id.ts';
import { recipientView } from './recipients.ts';
import { channels, lanes, messageStatuses, reasons } from './statuses.ts';
import { suppressionView } from './suppressions.ts';
import { jsonObject } from './text.ts';

/** A message as an export tells of it: where it went, what providers answered, and what was told of it. */
const exportedMessage = z.strictObject({
  id: idSchema('message'),
  channel: z.enum(channels),
  status: z.enum(messageStatuses),
  reason: z.enum(reasons).nullable(),
  address: z.string().nullable(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  attempts: z.array(attemptView),
  feedback: z.array(feedbackView),
});

const exportedNotification = z.strictObject({
  id: idSchema('notification'),
  toName: z.string().nullable(),
  template: z.string().nullable(),
  templateVersion: z.int().nullable(),
  content: channelContent.nullable(),
  email: describedEmailParts.nullable(),
  data: jsonObject,
  metadata: jsonObject,
  locale: z.string().nullable(),
  lane: z.enum(lanes),
  category: z.string().nullable(),
  createdAt: z.iso.datetime(),
  sendAt: z.iso.datetime().nullable(),
  payloadRemovedAt: z.iso.datetime().nullable(),
  messages: z.array(exportedMessage),
});

/** Everything that is held about a recipient, its notifications and events in pages. */
export const recipientExport = z.strictObject({
  recipient: recipientView.omit({ devices: true }),
  devices: z.array(z.strictObject({ ...deviceView.shape, keys: webPushKeys.nullable() })),
  preferences: z.array(
    z.strictObject({
      channel: z.enum(channels),
      category: z.string().nullable().meta({ description: 'Null for all categories.' }),
      enabled: z.boolean(),
      updatedAt: z.iso.datetime(),
    }),
  ),
  suppressions: z.array(suppressionView).meta({
    description: 'Of its e-mail address and its devices: why nothing, or not everything, goes there.',
  }),
  notifications: z.strictObject({
    items: z.array(exportedNotification),
    after: idSchema('notification').nullable().meta({ description: 'Leads to older ones.' }),
  }),
  events: z
    .strictObject({
      items: z.array(eventView.omit({ copies: true })),
      after: idSchema('event').nullable().meta({ description: 'Leads to older ones, as `eventsAfter`.' }),
    })
    .meta({ description: 'Events whose subject it is.' }),
});
export type RecipientExport = z.infer<typeof recipientExport>;

export const exportRecipient = operation({
  name: 'recipients.export',
  summary: 'Everything held about a recipient, its notifications and events newest first, in pages.',
  method: 'GET',
  path: '/v1/recipients/{recipientId}/export',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({
    recipientId,
    limit: z.int().min(1).max(50).default(20),
    after: idSchema('notification').optional(),
    eventsAfter: idSchema('event').optional(),
  }),
  output: recipientExport,
});
