import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { attemptOutcomes, channels, feedbackTypes, lanes, messageStatuses, reasons } from './statuses.ts';
import { instant, lineOfText } from './text.ts';

/** One try at a provider. */
export const attemptView = z.strictObject({
  number: z.int().min(1),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  outcome: z.enum(attemptOutcomes).meta({ examples: ['sent'] }),
  provider: z
    .string()
    .nullable()
    .meta({ examples: ['smtp'] }),
  /** The provider's own id of what it took: what it names when it tells more of it. */
  providerMessageId: z
    .string()
    .nullable()
    .meta({ examples: ['14c5d75ce93'] }),
  /** The provider's code: for SMTP the reply code and, where given, the enhanced one (`550 5.1.1`). */
  code: z
    .string()
    .nullable()
    .meta({ examples: ['250'] }),
  /** What the provider said, shortened. */
  response: z
    .string()
    .nullable()
    .meta({ examples: ['2.0.0 Ok: queued as 4bXyZ'] }),
});

/** One line of a message's history: what it became, or what was told of it. */
export const timelineEntry = z.strictObject({
  at: z.iso.datetime(),
  status: z
    .enum(messageStatuses)
    .optional()
    .meta({ examples: ['sent'] }),
  feedback: z
    .enum(feedbackTypes)
    .optional()
    .meta({ description: 'In place of a status: what was told, `at` being when it happened.' }),
  source: z
    .string()
    .optional()
    .meta({ description: 'Who told it: a provider, or `api`.', examples: ['sendgrid'] }),
  attempt: z.int().min(1).optional(),
  reason: z.enum(reasons).optional(),
  code: z.string().optional(),
});
export type TimelineEntry = z.infer<typeof timelineEntry>;

/** When what was told of a message first happened; null for what was not told. */
export const messageFacts = z.strictObject({
  deliveredAt: z.iso.datetime().nullable(),
  openedAt: z.iso.datetime().nullable(),
  clickedAt: z.iso.datetime().nullable(),
  complainedAt: z.iso.datetime().nullable(),
  unsubscribedAt: z.iso.datetime().nullable(),
});
export type MessageFacts = z.infer<typeof messageFacts>;

/** Something that was told of a message after it was handed over. */
export const feedbackView = z.strictObject({
  type: z.enum(feedbackTypes),
  at: z.iso.datetime(),
  source: z.string().meta({ examples: ['sendgrid'] }),
  code: z
    .string()
    .nullable()
    .meta({ examples: ['5.1.1'] }),
  response: z
    .string()
    .nullable()
    .meta({ examples: ['550 5.1.1 unknown user'] }),
});

/** A message with everything that happened to it. */
export const messageView = z.strictObject({
  id: idSchema('message'),
  notificationId: idSchema('notification'),
  channel: z.enum(channels),
  lane: z.enum(lanes),
  status: z.enum(messageStatuses).meta({ examples: ['sent'] }),
  reason: z
    .enum(reasons)
    .nullable()
    .meta({ examples: [null] }),
  /** Where it goes: an e-mail address or a device token. */
  address: z
    .string()
    .nullable()
    .meta({ examples: ['ada@example.com'] }),
  /** Since when the address and what it said are gone: by retention, or by an erasure. */
  payloadRemovedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  dueAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** Failed tries that count against the budget; waiting for an unwell provider does not. */
  failures: z.int().min(0),
  facts: messageFacts,
  attempts: z.array(attemptView),
  timeline: z.array(timelineEntry),
});

export const getMessage = operation({
  name: 'messages.get',
  summary: 'One message with its attempts and timeline.',
  method: 'GET',
  path: '/v1/messages/{id}',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({ id: idSchema('message') }),
  output: messageView,
  errors: ['not_found'],
});

/** What an application may tell of a message, as providers do. */
export const reportInput = z.strictObject({
  id: idSchema('message'),
  type: z.enum(feedbackTypes).meta({
    description: '`bounced` is for good: the address is not sent to any more.',
    examples: ['delivered'],
  }),
  at: instant.optional().meta({
    description: 'When it happened; without it, now.',
    examples: ['2027-01-31T08:00:00Z'],
  }),
  code: lineOfText(100)
    .optional()
    .meta({ examples: ['250'] }),
  response: lineOfText(500)
    .optional()
    .meta({ examples: ['2.0.0 Ok'] }),
  eventId: lineOfText(200)
    .optional()
    .meta({
      description: 'Your own id of it: what has the same is recorded once. Without one, `at` stands for it.',
      examples: ['evt-1042'],
    }),
});

export const reportMessage = operation({
  name: 'messages.report',
  summary: 'Tell what became of a message after it was sent. It may come late, twice, and in any order.',
  method: 'POST',
  path: '/v1/messages/{id}/status',
  status: 200,
  access: { scope: 'feedback' },
  input: reportInput,
  output: messageView.pick({ id: true, status: true, reason: true, endedAt: true, facts: true }),
  errors: ['not_found'],
});
