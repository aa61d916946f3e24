import type { SubscriptionView } from '@tidings/contracts';
import type { SubscriptionRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

export function viewSubscription(row: SubscriptionRow): SubscriptionView {
  const { id, name, kind, types, filter, settings, status, reason } = row;
  return {
    id,
    name,
    kind,
    types,
    filter,
    settings,
    status,
    reason,
    failingSince: isoOrNull(row.failingSince),
    heldUntil: isoOrNull(row.heldUntil),
    createdAt: toIso(row.createdAt),
    updatedAt: toIso(row.updatedAt),
  };
}
