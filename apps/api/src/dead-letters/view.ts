import type { DeadLetterLine } from '@tidings/contracts';
import type { DeadLetterRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** A dead letter as a list shows it. */
export function viewDeadLetter({ message, notification, last }: DeadLetterRow): DeadLetterLine {
  return {
    id: message.id,
    notificationId: message.notificationId,
    channel: message.channel,
    lane: message.lane,
    // The store finds no others.
    status: message.status as DeadLetterLine['status'],
    reason: message.reason,
    template: notification.templateKey,
    templateVersion: notification.templateVersion,
    category: notification.category,
    recipientId: notification.recipientId,
    address: message.address,
    failures: message.failures,
    provider: last?.provider ?? null,
    code: last?.code ?? null,
    createdAt: toIso(message.createdAt),
    endedAt: toIso(message.endedAt ?? message.createdAt),
    payloadRemovedAt: isoOrNull(notification.payloadRemovedAt),
  };
}
