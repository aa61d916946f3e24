import { type ListNotificationsInput, listNotifications } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewNotification } from './view.ts';

/** `notifications.list`. */
export const list = (store: Store) =>
  query(listNotifications, async (input, { principal }) => {
    const filters = await resolveRecipient(store, principal.projectId, input);
    if (filters === undefined) return { items: [], after: null, before: null };
    const found = await store.listNotifications(principal.projectId, filters);
    return toPage(found, input, viewNotification);
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
