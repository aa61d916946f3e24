import { z } from 'zod';
import { eventSource, eventType, externalEventId, occurredAt } from './events.ts';
import { jsonObject, lineOfText } from './text.ts';

const isJsonType = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/**
 * A CloudEvent 1.0 whose data is a JSON object (CloudEvents JSON format §3). Attributes of extensions may be there;
 * they are not kept.
 */
export const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: externalEventId,
    source: eventSource,
    type: eventType,
    subject: lineOfText(500)
      .optional()
      .meta({ examples: ['user-42'] }),
    time: occurredAt.optional(),
    datacontenttype: z
      .string()
      .max(200)
      .regex(isJsonType, 'must be JSON')
      .optional()
      .meta({ examples: ['application/json'] }),
    dataschema: z.string().max(2000).optional(),
    data: jsonObject.default({}),
  })
  .refine((event) => !Object.hasOwn(event, 'data_base64'), {
    path: ['data_base64'],
    message: 'is not taken: data must be a JSON object',
  })
  .meta({
    examples: [
      {
        specversion: '1.0',
        id: 'order-1042-created',
        source: '/orders',
        type: 'order.created',
        subject: 'user-42',
        data: { orderId: '1042' },
      },
    ],
  });
