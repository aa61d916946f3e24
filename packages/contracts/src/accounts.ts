import { z } from 'zod';
import { roles } from './access.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { lineOfText } from './text.ts';

/** What an account logs in with. It is hashed as it is, in the composed form of Unicode (NFC). */
export const password = z
  .string()
  .min(12)
  .max(256)
  .meta({ description: '12 to 256 characters, of any kind.', examples: ['correct horse battery staple'] });

export const accountView = z.strictObject({
  id: idSchema('account'),
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(roles),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  lastLoginAt: z.iso.datetime().nullable(),
  disabledAt: z.iso.datetime().nullable(),
});
export type AccountView = z.infer<typeof accountView>;

const accountId = idSchema('account');

export const listAccountsInput = z
  .strictObject({
    limit: z.int().min(1).max(100).default(20),
    after: accountId.optional(),
    before: accountId.optional(),
  })
  .refine((input) => input.after === undefined || input.before === undefined, {
    message: 'takes after or before, not both',
  });

export const listAccounts = operation({
  name: 'accounts.list',
  summary: 'The accounts of this instance, newest first.',
  method: 'GET',
  path: '/v1/accounts',
  status: 200,
  access: { role: 'admin' },
  input: takesOneCursor(z.strictObject(pageFields(accountId))),
  output: pageOutput(accountView, accountId),
});

export const getAccount = operation({
  name: 'accounts.get',
  summary: 'One account.',
  method: 'GET',
  path: '/v1/accounts/{id}',
  status: 200,
  access: { role: 'admin' },
  errors: ['not_found'],
  input: z.strictObject({ id: accountId }),
  output: accountView,
});

/** `name: null` removes the name; what is left out stays as it is. */
export const updateAccountInput = z
  .strictObject({
    id: accountId,
    name: lineOfText(200)
      .nullable()
      .optional()
      .meta({ examples: ['Ada Lovelace'] }),
    role: z.enum(roles).optional(),
    disabled: z.boolean().optional().meta({ description: 'A disabled account cannot log in.' }),
  })
  .refine(({ name, role, disabled }) => name !== undefined || role !== undefined || disabled !== undefined, {
    message: 'needs name, role or disabled',
  });

export const updateAccount = operation({
  name: 'accounts.update',
  summary:
    'Change name or role of an account, disable or enable it. Owners and admins are for owners to change.',
  method: 'PUT',
  path: '/v1/accounts/{id}',
  status: 200,
  access: { role: 'admin' },
  errors: ['not_found', 'last_owner'],
  input: updateAccountInput,
  output: accountView,
});
