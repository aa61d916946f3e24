import { z } from 'zod';
import { eventType } from './events.ts';
import { operation } from './operation.ts';
import { freeText, jsonObject } from './text.ts';

export const eventTypeView = z.strictObject({
  type: z.string().meta({ examples: ['order.created'] }),
  description: z
    .string()
    .nullable()
    .meta({ examples: ['An order was placed and paid.'] }),
  schema: jsonObject.nullable().meta({
    description: 'JSON Schema (2020-12) of its data; null where any is good.',
    examples: [{ type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } }],
  }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type EventTypeView = z.infer<typeof eventTypeView>;

export const upsertEventType = operation({
  name: 'eventTypes.upsert',
  summary:
    'Declare a type of event and what its data must be like. Holds for what is published from then on.',
  method: 'PUT',
  path: '/v1/event-types/{type}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['invalid_event_schema', 'too_many_event_types', 'reserved_event_type'],
  input: z.strictObject({
    type: eventType,
    description: freeText(2000)
      .nullable()
      .optional()
      .meta({ examples: ['An order was placed and paid.'] }),
    schema: jsonObject
      .nullable()
      .optional()
      .meta({
        description: 'JSON Schema (2020-12); null takes it away.',
        examples: [{ type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } }],
      }),
  }),
  output: eventTypeView,
});

export const listEventTypes = operation({
  name: 'eventTypes.list',
  summary: 'The declared types of the project, by name.',
  method: 'GET',
  path: '/v1/event-types',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(eventTypeView) }),
});

export const removeEventType = operation({
  name: 'eventTypes.remove',
  summary: 'Take back the declaration of a type. It may still be published, with any data.',
  method: 'DELETE',
  path: '/v1/event-types/{type}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ type: eventType }),
  output: z.strictObject({ type: eventType }),
});
