import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { attemptOutcomes, channels, lanes, messageStatuses, reasons } from './statuses.ts';

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

/** One line of a message's history. */
export const timelineEntry = z.strictObject({
  at: z.iso.datetime(),
  status: z.enum(messageStatuses).meta({ examples: ['sent'] }),
  attempt: z.int().min(1).optional(),
  reason: z.enum(reasons).optional(),
  code: z.string().optional(),
});
export type TimelineEntry = z.infer<typeof timelineEntry>;

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
