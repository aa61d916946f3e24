import { z } from 'zod';
import { deviceView } from './devices.ts';
import { idSchema } from './ids.ts';
import { bulkMaxBodyBytes, operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { problemDocument } from './problem.ts';
import { quietHours } from './quiet-hours.ts';
import { recipientId } from './recipient-id.ts';
import { emailAddress, jsonObject, lineOfText, locale, timezone } from './text.ts';

/**
 * The application's own id of a recipient. It must look like neither one of our ids nor a tombstone's, and a path
 * must be able to hold it.
 */
export const externalId = lineOfText(255)
  .refine((id) => id !== '.' && id !== '..', { message: 'must not be a dot segment, which no URL can name' })
  .refine((id) => !id.startsWith('rcp_'), { message: 'must not begin with rcp_, which is for our own ids' })
  .refine((id) => !id.startsWith('erased:'), {
    message: 'must not begin with erased:, which is for those who were erased',
  })
  .meta({ examples: ['user-42'] });

/** What templates may say about a recipient, bounded because every notification that uses it keeps a copy. */
const attributesAtMostBytes = 16 * 1024;

export const attributes = jsonObject
  .refine((value) => new TextEncoder().encode(JSON.stringify(value)).length <= attributesAtMostBytes, {
    message: 'must not have more than 16,384 bytes as JSON',
  })
  .meta({ type: 'object', examples: [{ plan: 'pro' }] });

/** A recipient's data. `null` removes a value, leaving it out keeps it; `attributes` are replaced as a whole. */
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
  attributes: attributes.nullable().optional(),
  quietHours: quietHours.nullable().optional(),
});
export type UpsertRecipientInput = z.infer<typeof upsertRecipientInput>;

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
  attributes: jsonObject,
  quietHours: quietHours.nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  devices: z.array(deviceView),
});
export type RecipientView = z.infer<typeof recipientView>;

/** Up to 1,000 items; each is parsed on its own, so that a bad one does not spoil the others. */
export const upsertManyInput = z.strictObject({ items: z.array(z.unknown()).min(1).max(1000) });

/** The result of one item of a bulk upsert, by its place in the request. */
export const upsertManyItem = z.union([
  z.strictObject({ index: z.int().min(0), id: idSchema('recipient'), externalId: z.string() }),
  z.strictObject({ index: z.int().min(0), error: problemDocument }),
]);
export const upsertManyOutput = z.strictObject({ items: z.array(upsertManyItem) });
export type UpsertManyOutput = z.infer<typeof upsertManyOutput>;

/** Search and page of a list, newest first. */
export const listRecipientsInput = takesOneCursor(
  z.strictObject({
    search: lineOfText(100)
      .optional()
      .meta({
        description:
          'What the external id, the e-mail address or the name begins with, in upper or lower case.',
        examples: ['ada@'],
      }),
    ...pageFields(idSchema('recipient')),
  }),
);
export type ListRecipientsInput = z.infer<typeof listRecipientsInput>;

export const listRecipientsOutput = pageOutput(recipientView, idSchema('recipient'));

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

export const upsertManyRecipients = operation({
  name: 'recipients.upsertMany',
  summary: 'Create or change up to 1,000 recipients, each with a result of its own.',
  method: 'PUT',
  path: '/v1/recipients',
  status: 200,
  access: { scope: 'manage' },
  input: upsertManyInput,
  output: upsertManyOutput,
  maxBodyBytes: bulkMaxBodyBytes,
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

export const listRecipients = operation({
  name: 'recipients.list',
  summary: 'Recipients, newest first.',
  method: 'GET',
  path: '/v1/recipients',
  status: 200,
  access: { scope: 'read' },
  input: listRecipientsInput,
  output: listRecipientsOutput,
});
