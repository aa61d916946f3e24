import { type NotificationView, notificationStatus } from '@tidings/contracts';
import type { NotificationWithMessages } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** A notification as the API shows it: its status follows from its messages. */
export function viewNotification({ notification, messages }: NotificationWithMessages): NotificationView {
  return {
    id: notification.id,
    status: notificationStatus(messages.map(({ status }) => status)),
    template: notification.templateKey,
    templateVersion: notification.templateVersion,
    lane: notification.lane,
    category: notification.category,
    locale: notification.locale,
    metadata: notification.metadata,
    createdAt: toIso(notification.createdAt),
    sendAt: isoOrNull(notification.sendAt),
    expiresAt: toIso(notification.expiresAt),
    payloadRemovedAt: isoOrNull(notification.payloadRemovedAt),
    messages: messages.map(({ id, channel, status, reason }) => ({
      id,
      channel,
      status,
      ...(reason && { reason }),
    })),
  };
}
