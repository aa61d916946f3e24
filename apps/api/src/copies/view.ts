import type { CopyLine } from '@tidings/contracts';
import type { CopyOfSubscription } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** What became of an event at one consumer. */
export function viewCopyLine({ copy, subscription }: CopyOfSubscription): CopyLine {
  const { id, eventId, subscriptionId, status, reason, attempt, failures } = copy;
  return {
    id,
    eventId,
    subscriptionId,
    subscription: subscription.name,
    kind: subscription.kind,
    status,
    reason,
    attempt,
    failures,
    notificationId: copy.notificationId,
    dueAt: copy.endedAt === null ? toIso(copy.dueAt) : null,
    createdAt: toIso(copy.createdAt),
    endedAt: isoOrNull(copy.endedAt),
  };
}
