import { z } from 'zod';
import { categoryKey } from './categories.ts';
import { idSchema } from './ids.ts';
import { bulkMaxBodyBytes, operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { problemDocument } from './problem.ts';
import { channels } from './statuses.ts';
import { stoppingReasons } from './suppressed.ts';
import { emailAddress, lineOfText } from './text.ts';

const address = z
  .string()
  .regex(/^[\x21-\x7e]{1,2048}$/, 'must be 1 to 2,048 printable ASCII characters without spaces')
  .meta({
    description:
      'An e-mail address, which is matched in any case, or the token of a device, matched exactly.',
    examples: ['ada@example.com'],
  });

const category = categoryKey.meta({ description: 'What it holds for; without one it holds for everything.' });

export const suppressionView = z.strictObject({
  id: idSchema('suppression'),
  channel: z.enum(channels),
  address: z
    .string()
    .nullable()
    .meta({
      description: 'Null once it was erased: it is known by its hash only.',
      examples: ['ada@example.com'],
    }),
  category: z.string().nullable().meta({ description: 'Null where it holds for everything.' }),
  reason: z.enum(stoppingReasons),
  note: z.string().nullable(),
  messageId: idSchema('message').nullable().meta({ description: 'The message that it came of, if it did.' }),
  createdAt: z.iso.datetime(),
});
export type SuppressionView = z.infer<typeof suppressionView>;

const reason = z
  .enum(stoppingReasons)
  .default('manual')
  .meta({ description: 'Of a list that moves over from another service, what it was a list of.' });

export const addSuppressionInput = z
  .strictObject({
    channel: z.enum(channels).default('email'),
    address,
    category: category.optional(),
    reason,
    note: lineOfText(500)
      .optional()
      .meta({ examples: ['asked for it by phone'] }),
  })
  .refine((one) => one.channel !== 'email' || emailAddress.safeParse(one.address).success, {
    path: ['address'],
    message: 'must be a plain e-mail address such as ada@example.com',
  });
export type AddSuppressionInput = z.infer<typeof addSuppressionInput>;

/** Up to 1,000 items; each is parsed on its own, so that a bad one does not spoil the others. */
export const importSuppressionsInput = z.strictObject({
  reason: reason.meta({ description: 'Of the items that name none.' }),
  items: z.array(z.unknown()).min(1).max(1000),
});

/** The result of one item of an import, by its place in the request. */
export const importSuppressionsItem = z.union([
  z.strictObject({ index: z.int().min(0), id: idSchema('suppression') }),
  z.strictObject({ index: z.int().min(0), error: problemDocument }),
]);
export const importSuppressionsOutput = z.strictObject({ items: z.array(importSuppressionsItem) });
export type ImportSuppressionsOutput = z.infer<typeof importSuppressionsOutput>;

const filters = {
  channel: z.enum(channels).optional(),
  reason: z.enum(stoppingReasons).optional(),
  category: categoryKey.optional(),
};

const id = idSchema('suppression');

export const listSuppressions = operation({
  name: 'suppressions.list',
  summary: 'The addresses that nothing is sent to, newest first.',
  method: 'GET',
  path: '/v1/suppressions',
  status: 200,
  access: { scope: 'read' },
  input: takesOneCursor(z.strictObject({ ...filters, address: address.optional(), ...pageFields(id) })),
  output: pageOutput(suppressionView, id),
});
export type ListSuppressionsInput = z.infer<typeof listSuppressions.input>;

export const exportSuppressions = operation({
  name: 'suppressions.export',
  summary:
    'The whole list as CSV, newest first. As JSON it comes in pages of up to 1,000: over tRPC, and over REST to who ' +
    'asks for it with `Accept: application/json`.',
  method: 'GET',
  path: '/v1/suppressions/export',
  status: 200,
  access: { scope: 'read' },
  csv: 'answer',
  input: z.strictObject({ ...filters, after: id.optional() }),
  output: z.strictObject({
    items: z.array(suppressionView),
    after: id.nullable().meta({ description: 'Leads to older ones.' }),
  }),
});

export const getSuppression = operation({
  name: 'suppressions.get',
  summary: 'One entry of the list.',
  method: 'GET',
  path: '/v1/suppressions/{id}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: suppressionView,
});

export const addSuppression = operation({
  name: 'suppressions.add',
  summary:
    'Send nothing to an address any more. One that is on the list for the same category is answered as it stands, ' +
    'but for `unsubscribed`, which any other reason replaces, as it stops what is required too.',
  method: 'POST',
  path: '/v1/suppressions',
  status: 200,
  access: { scope: 'manage' },
  input: addSuppressionInput,
  output: suppressionView,
});

export const importSuppressions = operation({
  name: 'suppressions.import',
  summary:
    'Add up to 1,000 addresses, each with a result of its own. Over REST also as CSV with a header line: the columns ' +
    'address (or email), channel, category, reason and note are read, others are passed over; `reason` may stand in ' +
    'the query.',
  method: 'POST',
  path: '/v1/suppressions/import',
  status: 200,
  access: { scope: 'manage' },
  csv: 'body',
  errors: ['invalid_csv'],
  input: importSuppressionsInput,
  output: importSuppressionsOutput,
  maxBodyBytes: bulkMaxBodyBytes,
});

export const removeSuppression = operation({
  name: 'suppressions.remove',
  summary: 'Take an address off the list.',
  method: 'DELETE',
  path: '/v1/suppressions/{id}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: z.strictObject({ id }),
});
