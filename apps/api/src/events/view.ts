import type { EventLine } from '@tidings/contracts';
import type { CopyOfSubscription, EventHead } from '@tidings/db';
import { viewCopyLine } from '../copies/view.ts';
import { isoOrNull, toIso } from '../iso.ts';

/** An event without its data, and one line for each consumer. */
export function viewEvent(event: EventHead, copies: CopyOfSubscription[]): EventLine {
  return { ...viewEventHead(event), copies: copies.map(viewCopyLine) };
}

/** An event without its data. */
export function viewEventHead(event: EventHead): Omit<EventLine, 'copies'> {
  const { id, externalId, source, origin, type, subject } = event;
  return {
    id,
    externalId,
    source: source === '' ? null : source,
    origin,
    type,
    subject,
    occurredAt: toIso(event.occurredAt),
    createdAt: toIso(event.createdAt),
    fannedOutAt: isoOrNull(event.fannedOutAt),
    payloadRemovedAt: isoOrNull(event.payloadRemovedAt),
  };
}
