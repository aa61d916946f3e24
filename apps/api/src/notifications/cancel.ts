import { cancelNotification, hasEnded, TidingsError } from '@tidings/contracts';
import type { MessageRow, Store } from '@tidings/db';
import { mutation } from '../operations.ts';

/** `notifications.cancel`. Canceling twice answers the same. */
export const cancel = (store: Store) =>
  mutation(cancelNotification, async ({ id }, { principal }) => {
    const messages = await store.cancel(principal.projectId, id);
    if (messages.length === 0) throw new TidingsError('not_found');
    return { id, messages: messages.map((message) => ({ id: message.id, result: resultOf(message) })) };
  });

function resultOf({ status }: MessageRow): 'canceled' | 'pending' | 'too_late' {
  if (status === 'canceled') return 'canceled';
  return hasEnded(status) ? 'too_late' : 'pending';
}
