import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { messageStatuses } from './statuses.ts';

/** What a replay renders: what was accepted, or the version of the template that is in use now. */
export const replayContents = ['frozen', 'current'] as const;
export type ReplayContent = (typeof replayContents)[number];

/** Why a message is not sent again. */
export const replayRefusals = [
  'not_found',
  'open',
  'delivered',
  'erased',
  'payload_removed',
  'no_address',
  'template_not_found',
  'channel_without_content',
  'data_does_not_fit',
] as const;
export type ReplayRefusal = (typeof replayRefusals)[number];

/** Each of them in words. */
export const refusalsInWords: Readonly<Record<ReplayRefusal, string>> = {
  not_found: 'There is no such message',
  open: 'It has not ended, or is being sent again already',
  delivered: 'It was sent',
  erased: 'Its recipient was erased',
  payload_removed: 'What it said, and to whom, is gone',
  no_address: 'It has no address to be sent to',
  template_not_found: 'Its template is in use no more',
  channel_without_content: 'The version in use has no content for its channel',
  data_does_not_fit: 'Its data does not fit the version in use',
};

export const replayContent = z
  .enum(replayContents)
  .default('frozen')
  .meta({
    description:
      'frozen: the version and data that were accepted, the same to the octet. current: the version of the template that is in use now, with the data that was accepted. What was sent with content of its own has no other.',
    examples: ['current'],
  });

/** A message that goes out again. */
export const replayedMessage = z.strictObject({
  id: idSchema('message'),
  status: z.enum(messageStatuses).meta({ examples: ['queued'] }),
});

export const replayMessage = operation({
  name: 'messages.replay',
  summary:
    'Send a message again that ended otherwise than sent. What ended as unknown may have arrived: a copy is possible, under the same Message-ID.',
  method: 'POST',
  path: '/v1/messages/{id}/replay',
  status: 200,
  access: { scope: 'send' },
  input: z.strictObject({ id: idSchema('message'), content: replayContent }),
  output: replayedMessage,
  errors: [
    'not_found',
    'not_replayable',
    'template_not_found',
    'channel_without_content',
    'invalid_variables',
  ],
});
