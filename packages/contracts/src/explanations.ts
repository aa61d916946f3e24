import { z } from 'zod';
import { decisionRules } from './decision-rules.ts';
import { idSchema } from './ids.ts';
import { dryRunInput } from './notifications.ts';
import { operation } from './operation.ts';
import { preferenceSources } from './preferences.ts';
import { problemDocument } from './problem.ts';
import {
  attemptOutcomes,
  channels,
  feedbackTypes,
  lanes,
  messageStatuses,
  platforms,
  reasons,
} from './statuses.ts';
import { stoppingReasons } from './suppressed.ts';

/** One decision about a message. */
export const messageDecision = z.strictObject({
  at: z.iso.datetime(),
  rule: z.enum(decisionRules).meta({ examples: ['retry'] }),
  status: z
    .enum(messageStatuses)
    .optional()
    .meta({ description: 'What it was from then on.', examples: ['retrying'] }),
  feedback: z
    .enum(feedbackTypes)
    .optional()
    .meta({ description: 'In place of a status: what was told of it.' }),
  source: z
    .string()
    .optional()
    .meta({ description: 'Who told it: a provider, or `api`.', examples: ['sendgrid'] }),
  reason: z.enum(reasons).optional(),
  attempt: z.int().min(1).optional(),
  outcome: z.enum(attemptOutcomes).optional(),
  provider: z
    .string()
    .optional()
    .meta({ examples: ['smtp'] }),
  code: z
    .string()
    .optional()
    .meta({ examples: ['451 4.7.1'] }),
  text: z.string().meta({
    description: 'The same as a sentence.',
    examples: [
      'smtp: 451 4.7.1. The provider could not take it for now. Failure 1 of 8: tried again after 0.8 s.',
    ],
  }),
});
export type MessageDecision = z.infer<typeof messageDecision>;

/** Why a message is what it is. */
export const messageExplanation = z.strictObject({
  id: idSchema('message'),
  status: z.enum(messageStatuses).meta({ examples: ['sent'] }),
  reason: z
    .enum(reasons)
    .nullable()
    .meta({ examples: [null] }),
  decisions: z.array(messageDecision).meta({ description: 'In the order they were taken.' }),
});

export const explainMessage = operation({
  name: 'messages.explain',
  summary: 'Every decision about one message, with its reason and the rule that led to it.',
  method: 'GET',
  path: '/v1/messages/{id}/explanation',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({ id: idSchema('message') }),
  output: messageExplanation,
  errors: ['not_found'],
});

/** Who asked for the locale: the send, the recipient, the project; else English, or the only one that there is. */
const localeSources = ['send', 'recipient', 'project', 'english', 'any'] as const;
export type DryRunLocaleSource = (typeof localeSources)[number];

const stop = z.strictObject({
  rule: z.enum(decisionRules).meta({ examples: ['preference'] }),
  reason: z.enum(reasons).meta({ examples: ['opted_out'] }),
  detail: z.string().meta({ examples: ['The recipient does not want this category on this channel.'] }),
});
export type Stop = z.infer<typeof stop>;

/** One message that a send would make, and what would become of it now. */
export const dryRunMessage = z.strictObject({
  channel: z.enum(channels),
  platform: z.enum(platforms).nullable(),
  address: z
    .string()
    .nullable()
    .meta({
      description:
        'null where there is none, or where the caller may not read it: that takes the scope read.',
      examples: ['ada@example.com'],
    }),
  template: z
    .strictObject({ key: z.string(), version: z.int(), id: idSchema('template') })
    .nullable()
    .meta({ description: 'null: content of its own.' }),
  locale: z
    .string()
    .nullable()
    .meta({ examples: ['fr'] }),
  localeFrom: z.enum(localeSources).nullable().meta({ description: 'Who asked for it.' }),
  preference: z.strictObject({ enabled: z.boolean(), source: z.enum(preferenceSources) }),
  quietUntil: z.iso
    .datetime()
    .nullable()
    .meta({ description: "It would wait for the end of the recipient's quiet hours.", examples: [null] }),
  suppression: z
    .strictObject({ reason: z.enum(stoppingReasons), category: z.string().nullable() })
    .nullable(),
  route: z.strictObject({
    of: z.enum(['project', 'instance']),
    providers: z
      .array(z.string())
      .nullable()
      .meta({
        description: 'In the order they are tried; null where only the workers know them.',
        examples: [['smtp']],
      }),
  }),
  wouldSend: z.boolean(),
  stoppedBy: z.array(stop).meta({ description: 'What is in its way, the first first.' }),
});
export type DryRunMessage = z.infer<typeof dryRunMessage>;

/** What no dry run can know. */
const unknowns = ['provider_health', 'instance_providers', 'changes', 'rendering'] as const;

export const dryRun = z.strictObject({
  wouldBeAccepted: z.boolean(),
  refusal: problemDocument.nullable().meta({ description: 'What the send would be answered with instead.' }),
  recipientId: idSchema('recipient').nullable(),
  lane: z.enum(lanes),
  category: z
    .string()
    .nullable()
    .meta({ examples: ['onboarding'] }),
  sendAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'null: at once.', examples: [null] }),
  expiresAt: z.iso.datetime().nullable(),
  messages: z.array(dryRunMessage),
  cannotKnow: z.array(z.strictObject({ what: z.enum(unknowns), detail: z.string() })),
});
export type DryRun = z.infer<typeof dryRun>;

export const explainNotification = operation({
  name: 'notifications.explain',
  summary:
    'What a send would do now: which messages, from what, by whom, and what would stop them. Stores nothing.',
  method: 'POST',
  path: '/v1/notifications/explain',
  status: 200,
  access: { scope: 'send' },
  input: dryRunInput,
  output: dryRun,
});
