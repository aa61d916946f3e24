import { z } from 'zod';
import type { ErrorCode } from './errors.ts';
import { idSchema } from './ids.ts';
import { providerKinds } from './provider-kinds.ts';
import { feedbackTypes } from './statuses.ts';
import { instant, lineOfText } from './text.ts';

/** What is told of one message: by our id of it, or by the provider's own. */
const event = z.strictObject({
  messageId: idSchema('message').optional(),
  providerMessageId: lineOfText(255)
    .optional()
    .meta({ description: "The provider's own id, in place of ours.", examples: ['4bXyZ'] }),
  type: z.enum(feedbackTypes).meta({ examples: ['delivered'] }),
  at: instant.optional().meta({ description: 'When it happened; without it, now.' }),
  code: lineOfText(100)
    .optional()
    .meta({ examples: ['250'] }),
  response: lineOfText(500)
    .optional()
    .meta({ examples: ['2.0.0 Ok'] }),
  eventId: lineOfText(200).optional().meta({
    description: 'What has the same is recorded once. Without one, webhook-id and place stand for it.',
  }),
});

/** What may be posted with a signature by Standard Webhooks. */
export const providerEventsBody = z.strictObject({
  events: z
    .array(
      event.refine((one) => (one.messageId === undefined) !== (one.providerMessageId === undefined), {
        message: 'needs either messageId or providerMessageId',
      }),
    )
    .min(1)
    .max(1000)
    .meta({
      examples: [
        [
          {
            messageId: 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
            type: 'delivered',
            at: '2027-01-31T08:00:00Z',
            eventId: 'evt-1042',
          },
        ],
      ],
    }),
});

const providerName = new RegExp(`^(prv_[0-9a-f]{32}|${providerKinds.join('|')})$`);

/**
 * A route that is no operation: what is posted to it is signed by its sender, in a form of the sender's own, so its
 * body is looked at as it came.
 */
export interface SignedRoute {
  name: string;
  summary: string;
  description: string;
  method: 'POST';
  path: `/v1/${string}`;
  status: 204;
  params: z.ZodObject;
  headers: z.ZodObject;
  body: z.ZodType;
  errors: readonly ErrorCode[];
}

export const receiveProviderEvents = {
  name: 'providerEvents.receive',
  summary: 'What a provider tells of messages that it took: for its webhook, not for applications.',
  description:
    'Signed by Standard Webhooks with the `webhookSecret` of the provider, or `PROVIDER_EVENTS_SECRET`, with this ' +
    "body; or as SendGrid signs its event webhook, with SendGrid's body; or from OneSignal's event streams, with " +
    'the secret as bearer token.',
  method: 'POST',
  path: '/v1/provider-events/{provider}',
  status: 204,
  params: z.strictObject({
    provider: z
      .string()
      .regex(providerName, 'must be a provider such as prv_0199… or sendgrid')
      .meta({
        description: "A provider of a project, or the kind of one of the instance's.",
        examples: ['sendgrid'],
      }),
  }),
  headers: z.object({
    'webhook-id': z.string().optional(),
    'webhook-timestamp': z.string().optional(),
    'webhook-signature': z.string().optional(),
  }),
  body: providerEventsBody,
  errors: [
    'invalid_json',
    'invalid_request',
    'malformed_request',
    'invalid_signature',
    'not_found',
    'request_timeout',
    'body_too_large',
    'unsupported_media_type',
    'internal',
    'unavailable',
  ],
} as const satisfies SignedRoute;
