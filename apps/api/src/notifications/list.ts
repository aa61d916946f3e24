import { type ListNotificationsInput, listNotifications } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { pageOf } from '../http/page.ts';
import { query } from '../operations.ts';
import { viewNotification } from './view.ts';

/** `notifications.list`: pages by id, so that what arrives meanwhile neither repeats nor hides anything. */
export const list = (store: Store) =>
  query(listNotifications, async (input, { principal }) => {
    const filters = await resolveRecipient(store, principal.projectId, input);
    if (filters === undefined) return { items: [], after: null, before: null };
    const found = await store.listNotifications(principal.projectId, filters);
    return pageOf(found.map(viewNotification), input);
  });

/** The filter in our own id; undefined when there is no such recipient, so nothing can match. */
async function resolveRecipient(
  store: Store,
  projectId: string,
  input: ListNotificationsInput,
): Promise<ListNotificationsInput | undefined> {
  if (input.recipientId === undefined) return input;
  const found = await store.findRecipient(projectId, input.recipientId);
  return found && { ...input, recipientId: found.recipient.id };
}
