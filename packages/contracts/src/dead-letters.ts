import { z } from 'zod';
import { renderedPush } from './content.ts';
import { idSchema } from './ids.ts';
import { messageView } from './messages.ts';
import { templateKey } from './notifications.ts';
import { operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { recipientId } from './recipient-id.ts';
import { replayContent, replayRefusals } from './replays.ts';
import { channels, deadStatuses, lanes, reasons } from './statuses.ts';
import { instant, lineOfText } from './text.ts';

/** Which dead letters: those that all of it holds for. */
const filters = {
  status: z
    .enum(deadStatuses)
    .optional()
    .meta({ examples: ['failed'] }),
  reason: z.enum(reasons).optional(),
  channel: z.enum(channels).optional(),
  lane: z.enum(lanes).optional(),
  template: templateKey.optional(),
  provider: lineOfText(100)
    .optional()
    .meta({ description: 'Who its last attempt went to.', examples: ['smtp'] }),
  recipientId: recipientId.optional(),
  endedFrom: instant.optional().meta({ description: 'Ended then or later.' }),
  endedTo: instant.optional().meta({ description: 'Ended before.' }),
};
export type DeadLetterFilters = z.infer<z.ZodObject<typeof filters>>;

const ofNotification = {
  template: z
    .string()
    .nullable()
    .meta({ examples: ['welcome_email'] }),
  templateVersion: z
    .int()
    .nullable()
    .meta({ description: 'The one it was accepted with.', examples: [1] }),
  category: z
    .string()
    .nullable()
    .meta({ examples: ['onboarding'] }),
  recipientId: idSchema('recipient').nullable(),
};

/** A dead letter in a list. */
export const deadLetterLine = z.strictObject({
  id: idSchema('message'),
  notificationId: idSchema('notification'),
  channel: z.enum(channels),
  lane: z.enum(lanes),
  status: z.enum(deadStatuses),
  reason: z.enum(reasons).nullable(),
  ...ofNotification,
  address: z.string().nullable(),
  failures: z.int().min(0),
  provider: z
    .string()
    .nullable()
    .meta({ description: 'Who its last attempt went to.', examples: ['smtp'] }),
  code: z
    .string()
    .nullable()
    .meta({ description: 'What that answered.', examples: ['550 5.1.1'] }),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  payloadRemovedAt: z.iso.datetime().nullable(),
});
export type DeadLetterLine = z.infer<typeof deadLetterLine>;

/** A message's content as a replay with frozen content would send it. */
const previewedContent = z.strictObject({
  locale: z.string().nullable(),
  email: z
    .strictObject({ subject: z.string(), html: z.string().nullable(), text: z.string().nullable() })
    .nullable(),
  push: renderedPush.nullable(),
  fault: z
    .string()
    .nullable()
    .meta({
      description: 'Why there is none: it cannot be rendered, or what it said is gone.',
      examples: [null],
    }),
});
export type PreviewedContent = z.infer<typeof previewedContent>;

export const listDeadLetters = operation({
  name: 'deadLetters.list',
  summary: 'Messages that failed, bounced, expired or may not have arrived, newest first.',
  method: 'GET',
  path: '/v1/dead-letters',
  status: 200,
  access: { scope: 'read' },
  input: takesOneCursor(z.strictObject({ ...filters, ...pageFields(idSchema('message')) })),
  output: pageOutput(deadLetterLine, idSchema('message')),
});

export const getDeadLetter = operation({
  name: 'deadLetters.get',
  summary: 'One dead letter: its attempts and timeline, and what it says.',
  method: 'GET',
  path: '/v1/dead-letters/{id}',
  status: 200,
  // What a message says is for its recipient: it may hold a link to reset a password.
  access: { scope: 'manage' },
  input: z.strictObject({ id: idSchema('message') }),
  output: z.strictObject({ ...messageView.shape, ...ofNotification, content: previewedContent }),
  errors: ['not_found'],
});

/** Why one message was passed over. */
const skippedReplay = z.strictObject({ id: idSchema('message'), reason: z.enum(replayRefusals) });

const mostAtOnce = 1000;

export const replayDeadLetters = operation({
  name: 'deadLetters.replay',
  summary:
    'Send messages again: those of a list, or a bounded number of those that a filter finds, newest first; call again with `after` while there are more. What ended as unknown may have arrived: a copy is possible, under the same Message-ID.',
  method: 'POST',
  path: '/v1/dead-letters/replay',
  status: 200,
  access: { scope: 'send' },
  input: z
    .strictObject({
      ids: z
        .array(idSchema('message'))
        .min(1)
        .max(mostAtOnce)
        .optional()
        .meta({ description: 'Here messages may also be suppressed, skipped or canceled.' }),
      filter: z
        .strictObject(filters)
        .optional()
        .meta({ examples: [{ status: 'failed', provider: 'smtp', endedFrom: '2027-01-31T08:00:00Z' }] }),
      content: replayContent,
      limit: z.int().min(1).max(mostAtOnce).default(mostAtOnce).meta({
        description: 'Of those that the filter finds, looked at in this call.',
      }),
      after: idSchema('message').optional().meta({
        description: 'Goes on to older ones than this, with the filter: `after` of the call before.',
      }),
    })
    .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
      message: 'needs either ids or filter',
    })
    .refine(({ ids, after }) => ids === undefined || after === undefined, {
      message: 'takes after with a filter only',
    })
    .meta({ examples: [{ filter: { status: 'failed', provider: 'smtp' }, content: 'frozen' }] }),
  output: z.strictObject({
    replayed: z
      .int()
      .min(0)
      .meta({ description: 'How many are queued again.', examples: [498] }),
    skipped: z.array(skippedReplay),
    more: z.boolean().meta({ description: 'Whether the filter may find older ones.', examples: [true] }),
    after: idSchema('message').nullable().meta({ description: 'Where the next call goes on.' }),
  }),
});
