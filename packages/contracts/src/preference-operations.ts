import { z } from 'zod';
import { categoryKey } from './categories.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { preferenceSources } from './preferences.ts';
import { quietHours } from './quiet-hours.ts';
import { recipientId } from './recipient-id.ts';
import { channels } from './statuses.ts';
import { locale, timezone } from './text.ts';

/** A word to be put on record; with `null` it is taken back. */
const givenWord = z.strictObject({
  channel: z.enum(channels),
  category: categoryKey
    .optional()
    .meta({ description: 'Left out, it is about the channel as a whole.', examples: ['newsletter'] }),
  enabled: z.boolean().nullable().meta({ description: 'null takes back what was said.' }),
});

/** Words to be put on record together, each channel and category at most once. */
const givenWords = z
  .array(givenWord)
  .max(200)
  .refine((list) => new Set(list.map((one) => `${one.channel} ${one.category ?? ''}`)).size === list.length, {
    message: 'must not name a channel and category twice',
  })
  .meta({ examples: [[{ channel: 'email', category: 'newsletter', enabled: false }]] });
export type GivenWord = z.infer<typeof givenWord>;

/** What holds for a category on each channel. */
const effectiveCategory = z.strictObject({
  key: z.string().nullable().meta({ description: 'null: messages without a category.' }),
  name: z.string().nullable().meta({ description: 'null where it was never declared.' }),
  description: z.string().nullable(),
  required: z.boolean(),
  channels: z.array(
    z.strictObject({ channel: z.enum(channels), enabled: z.boolean(), source: z.enum(preferenceSources) }),
  ),
});

/** What holds for a recipient now. */
export const preferencesView = z.strictObject({
  recipientId: idSchema('recipient'),
  categories: z.array(effectiveCategory).meta({
    description: 'Messages without a category, every declared one, and every other that the recipient named.',
  }),
  quietHours: quietHours.nullable(),
  timezone: z.string().nullable(),
  locale: z.string().nullable(),
});
export type PreferencesView = z.infer<typeof preferencesView>;

export const getPreferences = operation({
  name: 'preferences.get',
  summary: 'What a recipient gets on which channel, and why. Its own token allows it too.',
  method: 'GET',
  path: '/v1/recipients/{recipientId}/preferences',
  status: 200,
  access: { scope: 'read', recipient: true },
  errors: ['not_found'],
  input: z.strictObject({ recipientId }),
  output: preferencesView,
});

export const setPreferencesInput = z.strictObject({
  recipientId,
  preferences: givenWords.optional(),
  quietHours: quietHours.nullable().optional(),
  timezone: timezone.nullable().optional(),
  locale: locale.nullable().optional(),
});

export const setPreferences = operation({
  name: 'preferences.set',
  summary: 'Change what a recipient wants; what is left out stays. Its own token allows it too.',
  method: 'PUT',
  path: '/v1/recipients/{recipientId}/preferences',
  status: 200,
  access: { scope: 'manage', recipient: true },
  errors: ['not_found', 'category_required', 'too_many_preferences'],
  input: setPreferencesInput,
  output: preferencesView,
});

/** What the project has said, for whoever has said nothing else. */
export const preferenceDefaultsView = z.strictObject({
  preferences: z.array(
    z.strictObject({ channel: z.enum(channels), category: z.string().nullable(), enabled: z.boolean() }),
  ),
});
export type PreferenceDefaultsView = z.infer<typeof preferenceDefaultsView>;

export const getPreferenceDefaults = operation({
  name: 'preferenceDefaults.get',
  summary: 'What holds for recipients that have said nothing else.',
  method: 'GET',
  path: '/v1/preference-defaults',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({}),
  output: preferenceDefaultsView,
});

export const setPreferenceDefaults = operation({
  name: 'preferenceDefaults.set',
  summary:
    'Change what holds for recipients that have said nothing else. Workers know it within five seconds.',
  method: 'PUT',
  path: '/v1/preference-defaults',
  status: 200,
  access: { scope: 'manage' },
  errors: ['category_required', 'too_many_preferences'],
  input: z.strictObject({ preferences: givenWords }),
  output: preferenceDefaultsView,
});

export const createRecipientToken = operation({
  name: 'recipients.createToken',
  summary: 'A token for the front end of an application: it reads and changes one recipient’s preferences.',
  method: 'POST',
  path: '/v1/recipients/{recipientId}/tokens',
  status: 201,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({
    recipientId,
    lifetimeSeconds: z
      .int()
      .min(60)
      .max(86_400)
      .default(900)
      .meta({ examples: [900] }),
  }),
  output: z.strictObject({ token: z.string(), expiresAt: z.iso.datetime() }),
});
