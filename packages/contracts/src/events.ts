import { z } from 'zod';
import { copyLine } from './copies.ts';
import { eventOrigins } from './event-words.ts';
import { idSchema } from './ids.ts';
import { bulkMaxBodyBytes, operation } from './operation.ts';
import { pageFields, pageOutput, takesOneCursor } from './pages.ts';
import { problemDocument } from './problem.ts';
import { instant, jsonObject, lineOfText } from './text.ts';

/** What an event is called: words with dots between them, as in CloudEvents. */
export const eventType = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][\w-]*(\.[\w-]+)*$/, 'must be words with dots between them such as order.created')
  .meta({ examples: ['order.created'] });

/** The publisher's own id of an event. Ours begin with evt_. */
export const externalEventId = lineOfText(255)
  .refine((text) => !text.startsWith('evt_'), { message: 'must not begin with evt_' })
  .meta({ examples: ['order-1042-created'] });

export const eventSource = lineOfText(500).meta({
  description: 'Where it happened, as in CloudEvents: ids are once in a source.',
  examples: ['/orders'],
});

/** When it happened. An offset may lead out of the years that an answer can say. */
export const occurredAt = instant
  .refine((text) => isFourDigitYear(Date.parse(text)), {
    message: 'must be in the years 0000 to 9999 of UTC',
  })
  .meta({ examples: ['2027-01-31T08:00:00Z'] });

/** Of what is no time, the format says so. */
function isFourDigitYear(ms: number): boolean {
  return Number.isNaN(ms) || /^\d{4}-/.test(new Date(ms).toISOString());
}

export const publishInput = z
  .strictObject({
    type: eventType,
    id: externalEventId.optional().meta({
      description: 'Your own id of it. What is published again with the same id is one event.',
    }),
    source: eventSource.optional(),
    subject: lineOfText(500)
      .optional()
      .meta({
        description: 'What it is about. Give the id of a recipient, and an erasure of that finds it.',
        examples: ['user-42'],
      }),
    occurredAt: occurredAt.optional().meta({ description: 'When it happened; now when left out.' }),
    data: jsonObject.default({}),
  })
  .meta({
    examples: [
      {
        type: 'order.created',
        id: 'order-1042-created',
        subject: 'user-42',
        data: { orderId: '1042', customer: { email: 'ada@example.com' } },
      },
    ],
  });
export type PublishInput = z.infer<typeof publishInput>;

export const publishOutput = z.strictObject({
  id: idSchema('event'),
  externalId: z
    .string()
    .nullable()
    .meta({ examples: ['order-1042-created'] }),
  type: z.string().meta({ examples: ['order.created'] }),
  status: z.literal('accepted'),
});
export type PublishOutput = z.infer<typeof publishOutput>;

/** What an event is called and about, as everybody sees it. */
export const eventHead = {
  id: idSchema('event'),
  externalId: z
    .string()
    .nullable()
    .meta({ examples: ['order-1042-created'] }),
  source: z
    .string()
    .nullable()
    .meta({ examples: [null] }),
  origin: z.enum(eventOrigins),
  type: z.string().meta({ examples: ['order.created'] }),
  subject: z
    .string()
    .nullable()
    .meta({ examples: ['user-42'] }),
};

const eventFields = {
  ...eventHead,
  occurredAt: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  fannedOutAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'When each of its consumers got a copy; null for a moment.' }),
  payloadRemovedAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Since when subject and data are gone.', examples: [null] }),
};

/** What happened, and one line for each consumer. */
export const eventLine = z.strictObject({ ...eventFields, copies: z.array(copyLine) });
export type EventLine = z.infer<typeof eventLine>;
export const eventView = z.strictObject({ ...eventLine.shape, data: jsonObject });

const publishErrors = [
  'invalid_cloud_event',
  'event_id_reused',
  'invalid_event_data',
  'reserved_event_type',
  'overloaded',
] as const;

export const publishEvent = operation({
  name: 'events.publish',
  summary: 'Say that something happened. Answers when it is on disk; each consumer gets its own copy.',
  method: 'POST',
  path: '/v1/events',
  status: 202,
  access: { scope: 'send' },
  errors: publishErrors,
  input: publishInput,
  output: publishOutput,
  cloudEvents: 'one',
});

export const publishManyInput = z.strictObject({
  items: z
    .array(z.unknown())
    .min(1)
    .max(1000)
    .meta({
      description: 'Each is what a single publish takes.',
      examples: [[{ type: 'order.created', id: 'order-1042-created', data: { orderId: '1042' } }]],
    }),
});

export const publishManyOutput = z.strictObject({
  items: z.array(
    z.union([
      z.strictObject({ index: z.int(), ...publishOutput.shape }),
      z.strictObject({ index: z.int(), error: problemDocument }),
    ]),
  ),
});
export type PublishManyOutput = z.infer<typeof publishManyOutput>;

export const publishManyEvents = operation({
  name: 'events.publishMany',
  summary: 'Say that up to 1,000 things happened. One bad item does not spoil the others.',
  method: 'POST',
  path: '/v1/events/bulk',
  status: 202,
  access: { scope: 'send' },
  errors: ['invalid_cloud_event', 'overloaded'],
  input: publishManyInput,
  output: publishManyOutput,
  cloudEvents: 'many',
  maxBodyBytes: bulkMaxBodyBytes,
});

export const getEvent = operation({
  name: 'events.get',
  summary: 'One event and what became of it at each consumer.',
  method: 'GET',
  path: '/v1/events/{id}',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({
    id: lineOfText(255).meta({
      description: 'Ours (evt_…), or the publisher’s own.',
      examples: ['order-1042-created'],
    }),
    source: eventSource.optional().meta({ description: 'Where the publisher’s own id comes from.' }),
  }),
  output: eventView,
});

export const listEvents = operation({
  name: 'events.list',
  summary: 'Events, the newest first, with one line for each consumer.',
  method: 'GET',
  path: '/v1/events',
  status: 200,
  access: { scope: 'read' },
  input: takesOneCursor(
    z.strictObject({
      type: eventType.optional(),
      subject: lineOfText(500).optional(),
      origin: z.enum(eventOrigins).optional(),
      ...pageFields(idSchema('event')),
    }),
  ),
  output: pageOutput(eventLine, idSchema('event')),
});
