import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { providerKinds } from './provider-kinds.ts';
import { channels } from './statuses.ts';
import { jsonObject, lineOfText } from './text.ts';
import { webhookSecret } from './webhook-secrets.ts';

const secret = (max: number) => z.string().min(1).max(max);
const httpUrl = z.url({ protocol: /^https?$/ }).max(2000);
const baseUrl = httpUrl
  .optional()
  .meta({ description: 'Where its API is, when that is not its usual place.' });
const from = lineOfText(500).meta({
  description: 'The mailbox that mails are sent from.',
  examples: ['Acme <hello@acme.example>'],
});

const connections = z.int().min(1).max(200).optional().meta({
  description:
    'Connections to it, at most, for each of the two queues of its channel and in each worker process.',
});

/** What mails are signed with. */
const dkim = z
  .strictObject({
    domain: z
      .string()
      .max(253)
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case')
      .meta({ examples: ['acme.example'] }),
    selector: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'must be a selector such as s2027'),
    privateKey: secret(10_000).meta({ description: 'PEM (PKCS #8).' }),
  })
  .meta({ description: 'Signs each mail with DKIM (RFC 6376).' });

const events = {
  webhookSecret: webhookSecret.optional().meta({
    description: 'Lets it tell what became of messages, at /v1/provider-events/{id}.',
  }),
};

/** What each kind needs to know. All of it is kept sealed. */
export const providerSettings = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('smtp'),
      url: secret(2000).meta({ description: 'As SMTP_URL: smtp://user:password@host:587, or smtps://…' }),
      from,
      dkim: dkim.optional(),
      connections,
      ...events,
    }),
    z.strictObject({
      kind: z.literal('sendgrid'),
      apiKey: secret(500),
      from,
      baseUrl,
      connections,
      webhookPublicKey: z
        .string()
        .max(500)
        .optional()
        .meta({ description: 'Verification key of its signed event webhook.' }),
      ...events,
    }),
    z.strictObject({
      kind: z.literal('fcm'),
      serviceAccount: z
        .object({
          project_id: z.string().min(1).max(200),
          client_email: z.string().min(3).max(320),
          private_key: secret(10_000),
          token_uri: httpUrl.optional(),
        })
        .meta({ description: 'The key file of a Google service account, as it is downloaded.' }),
      baseUrl,
      ...events,
    }),
    z.strictObject({
      kind: z.literal('onesignal'),
      appId: z.uuid(),
      apiKey: secret(500),
      baseUrl,
      connections,
      ...events,
    }),
    z.strictObject({
      kind: z.literal('webpush'),
      publicKey: z.string().regex(/^B[\w-]{86}$/, 'must be a VAPID public key in base64url'),
      privateKey: z.string().regex(/^[\w-]{43}$/, 'must be a VAPID private key in base64url'),
      subject: z
        .string()
        .regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/, 'must be a mailto: or https: URL (RFC 8292 §2.1)')
        .max(500),
      connections,
      ...events,
    }),
  ])
  .meta({
    examples: [
      { kind: 'smtp', url: 'smtp://user:password@mail.example.com:587', from: 'Acme <hello@acme.example>' },
    ],
  });
export type ProviderSettings = z.infer<typeof providerSettings>;

const name = lineOfText(100).meta({
  description: 'What it is called, once in a project.',
  examples: ['main'],
});
const limits = {
  perSecond: z.int().min(1).max(100_000).nullable().optional().meta({
    description: 'Messages that each worker process hands to it in a second, at most; null for any number.',
  }),
};

export const providerView = z.strictObject({
  id: idSchema('provider'),
  name: z.string(),
  kind: z.enum(providerKinds),
  channel: z.enum(channels),
  settings: jsonObject.meta({
    description: 'What may be shown of its settings: never a secret.',
    examples: [{ server: 'smtp://mail.example.com:587', from: 'Acme <hello@acme.example>' }],
  }),
  perSecond: z.int().nullable(),
  enabled: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type ProviderView = z.infer<typeof providerView>;

const id = idSchema('provider');

export const createProvider = operation({
  name: 'providers.create',
  summary: 'A provider of the project. It is used once a route names it.',
  method: 'POST',
  path: '/v1/providers',
  status: 201,
  access: { role: 'admin' },
  errors: ['provider_name_taken', 'invalid_provider', 'too_many_providers'],
  input: z.strictObject({ name, settings: providerSettings, ...limits }),
  output: providerView,
});

export const listProviders = operation({
  name: 'providers.list',
  summary: 'The providers of the project, by name.',
  method: 'GET',
  path: '/v1/providers',
  status: 200,
  access: { role: 'viewer' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(providerView) }),
});

export const getProvider = operation({
  name: 'providers.get',
  summary: 'One provider.',
  method: 'GET',
  path: '/v1/providers/{id}',
  status: 200,
  access: { role: 'viewer' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: providerView,
});

export const updateProvider = operation({
  name: 'providers.update',
  summary: 'Change a provider; its settings are replaced as a whole. Workers follow within five seconds.',
  method: 'PUT',
  path: '/v1/providers/{id}',
  status: 200,
  access: { role: 'admin' },
  errors: ['not_found', 'provider_name_taken', 'invalid_provider'],
  input: z.strictObject({
    id,
    name: name.optional(),
    settings: providerSettings.optional(),
    enabled: z.boolean().optional().meta({ description: 'One that is not enabled is passed over.' }),
    ...limits,
  }),
  output: providerView,
});

export const removeProvider = operation({
  name: 'providers.remove',
  summary: 'Forget a provider with its secrets. One that a route names is kept.',
  method: 'DELETE',
  path: '/v1/providers/{id}',
  status: 200,
  access: { role: 'admin' },
  errors: ['not_found', 'provider_in_use'],
  input: z.strictObject({ id }),
  output: z.strictObject({ id }),
});

/** The providers of a channel in the order they are tried; with none, those of the instance's environment. */
export const routeView = z.strictObject({
  channel: z.enum(channels),
  providers: z.array(id),
  updatedAt: z.iso.datetime().nullable(),
});
export type RouteView = z.infer<typeof routeView>;

export const listRoutes = operation({
  name: 'routes.list',
  summary: 'Which providers each channel of the project uses, the first first.',
  method: 'GET',
  path: '/v1/routes',
  status: 200,
  access: { role: 'viewer' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(routeView) }),
});

export const setRoute = operation({
  name: 'routes.set',
  summary: 'Say which providers a channel uses: the next one where one fails. None: those of the instance.',
  method: 'PUT',
  path: '/v1/routes/{channel}',
  status: 200,
  access: { role: 'admin' },
  errors: ['unknown_provider'],
  input: z.strictObject({
    channel: z.enum(channels).meta({ examples: ['email'] }),
    providers: z
      .array(id)
      .max(10)
      .refine((list) => new Set(list).size === list.length, { message: 'must not name a provider twice' }),
  }),
  output: routeView,
});
