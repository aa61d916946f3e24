import { z } from 'zod';
import { decisionRules } from './decision-rules.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { attemptOutcomes, feedbackTypes, messageStatuses, reasons } from './statuses.ts';

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
