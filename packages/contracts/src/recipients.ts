import { z } from 'zod';
import { idSchema } from './ids.ts';
import { deviceToken } from './notifications.ts';
import { operation } from './operation.ts';
import { platforms } from './statuses.ts';
import { emailAddress, lineOfText, locale, timezone } from './text.ts';

/** The application's own id of a recipient. It must not look like one of ours, and a path must be able to hold it. */
export const externalId = lineOfText(255)
  .refine((id) => id !== '.' && id !== '..', { message: 'must not be a dot segment, which no URL can name' })
  .refine((id) => !id.startsWith('rcp_'), { message: 'must not begin with rcp_, which is for our own ids' })
  .meta({ examples: ['user-42'] });

/** A recipient's contact data. `null` removes a value, leaving it out keeps it. */
export const upsertRecipientInput = z.strictObject({
  externalId,
  name: lineOfText(200)
    .nullable()
    .optional()
    .meta({ examples: ['Ada'] }),
  email: emailAddress
    .nullable()
    .optional()
    .meta({ examples: ['ada@example.com'] }),
  locale: locale
    .nullable()
    .optional()
    .meta({ examples: ['fr-CA'] }),
  timezone: timezone
    .nullable()
    .optional()
    .meta({ examples: ['Europe/Paris'] }),
});
export type UpsertRecipientInput = z.infer<typeof upsertRecipientInput>;

export const deviceView = z.strictObject({
  id: idSchema('device'),
  platform: z.enum(platforms),
  token: z.string().meta({ examples: ['fGhJ3kLmQ9y:APA91bExampleToken'] }),
  createdAt: z.iso.datetime(),
  deactivatedAt: z.iso
    .datetime()
    .nullable()
    .meta({
      description:
        'Since when the push provider knows the token no more; registering it again makes it live.',
      examples: [null],
    }),
});

export const recipientView = z.strictObject({
  id: idSchema('recipient'),
  externalId: z.string().meta({ examples: ['user-42'] }),
  name: z
    .string()
    .nullable()
    .meta({ examples: ['Ada'] }),
  email: z
    .string()
    .nullable()
    .meta({ examples: ['ada@example.com'] }),
  locale: z
    .string()
    .nullable()
    .meta({ examples: ['fr-CA'] }),
  timezone: z
    .string()
    .nullable()
    .meta({ examples: ['Europe/Paris'] }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  devices: z.array(deviceView),
});
export type RecipientView = z.infer<typeof recipientView>;

const recipientId = lineOfText(255).meta({
  description: 'The external id, or our own (rcp_…).',
  examples: ['user-42'],
});

export const upsertRecipient = operation({
  name: 'recipients.upsert',
  summary: 'Create a recipient or change the given fields of one.',
  method: 'PUT',
  path: '/v1/recipients/{externalId}',
  status: 200,
  access: { scope: 'manage' },
  input: upsertRecipientInput,
  output: recipientView,
});

export const getRecipient = operation({
  name: 'recipients.get',
  summary: 'One recipient with its devices.',
  method: 'GET',
  path: '/v1/recipients/{recipientId}',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({ recipientId }),
  output: recipientView,
  errors: ['not_found'],
});

export const registerDeviceInput = z.strictObject({ recipientId, ...deviceToken.shape });

export const registerDevice = operation({
  name: 'devices.register',
  summary: 'Give a recipient a device. A token belongs to one recipient: the last to register it.',
  method: 'POST',
  path: '/v1/recipients/{recipientId}/devices',
  status: 201,
  access: { scope: 'manage' },
  input: registerDeviceInput,
  output: deviceView,
  errors: ['not_found', 'too_many_devices'],
});
export type DeviceView = z.infer<typeof deviceView>;
