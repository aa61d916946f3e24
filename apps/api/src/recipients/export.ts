import { exportRecipient, type RecipientExport, TidingsError } from '@tidings/contracts';
import type { EventRow, NotificationRecord, Store } from '@tidings/db';
import { viewDevice } from '../devices/view.ts';
import { viewEventHead } from '../events/view.ts';
import { isoOrNull, toIso } from '../iso.ts';
import { viewAttempt, viewFeedback } from '../messages/get.ts';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewSuppression } from '../suppressions/view.ts';
import { viewPerson } from './view.ts';

/** `recipients.export`. Named so, for `export` is a word of the language. */
export const exportAll = (store: Store) =>
  query(exportRecipient, async ({ recipientId, limit, after, eventsAfter }, { principal }) => {
    const { projectId } = principal;
    const person = await store.findRecipient(projectId, recipientId);
    if (person === undefined) throw new TidingsError('not_found');
    const { id, externalId, email } = person.recipient;
    const addresses = [
      ...(email === null ? [] : [{ channel: 'email' as const, address: email }]),
      ...person.devices.map(({ token }) => ({ channel: 'push' as const, address: token })),
    ];
    const [preferences, suppressions, notifications, events] = await Promise.all([
      store.preferencesOf(id),
      store.suppressionsOf(projectId, addresses),
      store.recordOf(projectId, { recipientId: id, limit, after }),
      store.eventsAbout(projectId, [id, externalId], { limit, after: eventsAfter }),
    ]);
    const { items, after: next } = toPage(notifications, { limit, after }, viewRecord);
    const about = toPage(events, { limit, after: eventsAfter }, viewAbout);
    return {
      recipient: viewPerson(person.recipient),
      devices: person.devices.map((device) => ({ ...viewDevice(device), keys: device.keys })),
      preferences: preferences.map(({ channel, category, enabled, updatedAt }) => ({
        channel,
        category: category === '' ? null : category,
        enabled,
        updatedAt: toIso(updatedAt),
      })),
      suppressions: suppressions.map(viewSuppression),
      notifications: { items, after: next },
      events: { items: about.items, after: about.after },
    };
  });

function viewAbout(event: EventRow) {
  return { ...viewEventHead(event), data: event.data };
}

type ExportedNotification = RecipientExport['notifications']['items'][number];

function viewRecord(record: NotificationRecord): ExportedNotification {
  const { notification, messages, attempts, feedback, emailParts } = record;
  const { id, toName, content, data, metadata, locale, lane, category } = notification;
  return {
    id,
    toName,
    template: notification.templateKey,
    templateVersion: notification.templateVersion,
    content,
    email: emailParts,
    data,
    metadata,
    locale,
    lane,
    category,
    createdAt: toIso(notification.createdAt),
    sendAt: isoOrNull(notification.sendAt),
    payloadRemovedAt: isoOrNull(notification.payloadRemovedAt),
    messages: messages.map((message) => ({
      id: message.id,
      channel: message.channel,
      status: message.status,
      reason: message.reason,
      address: message.address,
      createdAt: toIso(message.createdAt),
      endedAt: isoOrNull(message.endedAt),
      attempts: (attempts.get(message.id) ?? []).map(viewAttempt),
      feedback: (feedback.get(message.id) ?? []).map(viewFeedback),
    })),
  };
}
