import type { Accept } from '@tidings/accept';
import { sendNotification } from '@tidings/contracts';
import { mutation } from '../operations.ts';

/** `notifications.send`. A repeated request is answered as the first one was, and says so in a header. */
export const send = (accept: Accept) =>
  mutation(sendNotification, async (input, { principal, headers }) => {
    const { answer, replayed } = await accept(principal.projectId, input);
    headers.location = `/v1/notifications/${answer.id}`;
    if (replayed) headers['idempotent-replayed'] = 'true';
    return answer;
  });
