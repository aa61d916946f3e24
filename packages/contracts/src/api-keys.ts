import { z } from 'zod';
import { scopes } from './access.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { instant, lineOfText } from './text.ts';

/** The part of a key that may be shown: `tk_<id>_<secret>`. */
export const apiKeyId = z
  .string()
  .regex(/^[0-9a-z]{8,32}$/, 'must be the id of an API key, the part between tk_ and the secret')
  .meta({ examples: ['019a0c2f3b7d7c3e8f10a2b4c6d8e0f1'] });

const keyScopes = z
  .array(z.enum(scopes))
  .min(1)
  .max(scopes.length)
  .refine((list) => new Set(list).size === list.length, { message: 'must not repeat a scope' })
  .meta({ examples: [['send', 'read']] });

const name = lineOfText(100).meta({ examples: ['checkout service'] });

export const apiKeyView = z.strictObject({
  id: apiKeyId,
  name: z.string().meta({ examples: ['checkout service'] }),
  scopes: z.array(z.enum(scopes)).meta({ examples: [['send', 'read']] }),
  createdAt: z.iso.datetime(),
  createdBy: z
    .string()
    .nullable()
    .meta({
      description: 'An account, or the id of another key; null for the key of the first start.',
      examples: ['acc_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1'],
    }),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: 'To the minute or so.' }),
  expiresAt: z.iso
    .datetime()
    .nullable()
    .meta({ examples: [null] }),
  revokedAt: z.iso
    .datetime()
    .nullable()
    .meta({ examples: [null] }),
  rotatedTo: apiKeyId.nullable().meta({ description: 'The key that takes its place.', examples: [null] }),
});
export type ApiKeyView = z.infer<typeof apiKeyView>;

/** A key that was just made. The secret is not kept: this answer is the only place where it ever stands. */
export const newApiKey = z.strictObject({
  ...apiKeyView.shape,
  key: z.string().meta({
    description: 'The key itself, shown this once.',
    examples: ['tk_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1_CkuB5eSRLTkCIBvoVQYxuSe-dVXiC2tZ0mXGqQPKsgc'],
  }),
});

export const createApiKey = operation({
  name: 'apiKeys.create',
  summary: 'Create a key of the project. It can do no more, and be good no longer, than the key that asks.',
  method: 'POST',
  path: '/v1/api-keys',
  status: 201,
  access: { scope: 'manage' },
  input: z.strictObject({ name, scopes: keyScopes, expiresAt: instant.optional() }),
  output: newApiKey,
  errors: ['invalid_time'],
});

export const listApiKeys = operation({
  name: 'apiKeys.list',
  summary: 'The keys of the project, newest first, those that are no longer good among them.',
  method: 'GET',
  path: '/v1/api-keys',
  status: 200,
  access: { scope: 'manage' },
  input: takesOneCursor(z.strictObject(pageFields(apiKeyId))),
  output: pageOutput(apiKeyView, apiKeyId),
});

export const getApiKey = operation({
  name: 'apiKeys.get',
  summary: 'One key, without its secret.',
  method: 'GET',
  path: '/v1/api-keys/{id}',
  status: 200,
  access: { scope: 'manage' },
  input: z.strictObject({ id: apiKeyId }),
  output: apiKeyView,
  errors: ['not_found'],
});

const daySeconds = 86_400;

export const rotateApiKey = operation({
  name: 'apiKeys.rotate',
  summary: 'Create a key of the same name and scopes; the old one stays good for a while.',
  method: 'POST',
  path: '/v1/api-keys/{id}/rotate',
  status: 201,
  access: { scope: 'manage' },
  input: z.strictObject({
    id: apiKeyId,
    overlapSeconds: z
      .int()
      .min(0)
      .max(30 * daySeconds)
      .default(daySeconds)
      .meta({ description: 'How long the old key stays good, at most.', examples: [3600] }),
  }),
  output: newApiKey,
  errors: ['not_found', 'api_key_ended'],
});

export const revokeApiKey = operation({
  name: 'apiKeys.revoke',
  summary: 'End a key for good, within five seconds everywhere.',
  method: 'POST',
  path: '/v1/api-keys/{id}/revoke',
  status: 200,
  access: { scope: 'manage' },
  input: z.strictObject({ id: apiKeyId }),
  output: apiKeyView,
  errors: ['not_found'],
});
