import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { recipientId } from './recipient-id.ts';

export const eraseRecipientOutput = z.strictObject({
  id: idSchema('recipient'),
  erasedAt: z.iso.datetime(),
  complete: z.boolean().meta({
    description: 'False while notifications are still being gone through, which goes on by itself.',
  }),
});

export const eraseRecipient = operation({
  name: 'recipients.erase',
  summary:
    'Forget a person for good: contact data, devices, preferences, and what was sent to it or its addresses. ' +
    'What is not sent yet is not sent any more. By our own id (rcp_…) it can be asked again how far it got.',
  method: 'DELETE',
  path: '/v1/recipients/{recipientId}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ recipientId }),
  output: eraseRecipientOutput,
});
