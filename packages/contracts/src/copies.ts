import { z } from 'zod';
import { copyOutcomes, copyReasons, copyStatuses, subscriptionKinds } from './event-words.ts';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';

const id = idSchema('copy');

/** What became of an event at one consumer. */
export const copyLine = z.strictObject({
  id,
  eventId: idSchema('event'),
  subscriptionId: idSchema('subscription'),
  subscription: z.string().meta({ description: 'Its name.', examples: ['stock'] }),
  kind: z.enum(subscriptionKinds),
  status: z.enum(copyStatuses),
  reason: z
    .enum(copyReasons)
    .nullable()
    .meta({ examples: [null] }),
  attempt: z.int().meta({ description: 'Tries so far.', examples: [1] }),
  failures: z.int().meta({ description: 'Those of them that count against the budget.', examples: [0] }),
  notificationId: idSchema('notification')
    .nullable()
    .meta({ description: 'What it caused.', examples: [null] }),
  dueAt: z.iso.datetime().nullable().meta({ description: 'When it is tried next; null once it has ended.' }),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
});
export type CopyLine = z.infer<typeof copyLine>;

export const copyAttempt = z.strictObject({
  number: z.int().meta({ examples: [1] }),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  outcome: z.enum(copyOutcomes),
  reason: z
    .enum(copyReasons)
    .nullable()
    .meta({ examples: [null] }),
  code: z
    .string()
    .nullable()
    .meta({ description: 'Such as the HTTP status.', examples: ['200'] }),
  response: z
    .string()
    .nullable()
    .meta({ description: 'The beginning of what was answered.', examples: ['ok'] }),
});
export type CopyAttempt = z.infer<typeof copyAttempt>;

export const copyView = z.strictObject({ ...copyLine.shape, attempts: z.array(copyAttempt) });

export const listCopies = operation({
  name: 'copies.list',
  summary: 'Copies of events, the newest first: of one event, of one consumer, or those that failed.',
  method: 'GET',
  path: '/v1/copies',
  status: 200,
  access: { scope: 'read' },
  input: takesOneCursor(
    z.strictObject({
      subscriptionId: idSchema('subscription').optional(),
      eventId: idSchema('event').optional(),
      status: z.enum(copyStatuses).optional(),
      ...pageFields(id),
    }),
  ),
  output: pageOutput(copyLine, id),
});

export const getCopy = operation({
  name: 'copies.get',
  summary: 'One copy with every try to hand it over.',
  method: 'GET',
  path: '/v1/copies/{id}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({ id }),
  output: copyView,
});

export const resendCopy = operation({
  name: 'copies.resend',
  summary: 'Hand over a copy again that has ended, delivered ones too.',
  method: 'POST',
  path: '/v1/copies/{id}/resend',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found', 'not_resendable'],
  input: z.strictObject({ id }),
  output: copyLine,
});
