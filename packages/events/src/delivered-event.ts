import type { DeliveredEvent, EventOrigin, JsonObject } from '@tidings/contracts';

/** What is on record of an event, as far as its consumers are told. Times are milliseconds since the epoch. */
export interface RecordedEvent {
  id: string;
  externalId: string | null;
  /** Empty where it has none. */
  source: string;
  origin: EventOrigin;
  type: string;
  subject: string | null;
  occurredAt: number;
  data: JsonObject;
}

/**
 * An event as its consumers get it, a function of the event alone: the same at every try, to webhooks and queues.
 * `type`, `timestamp` and `data` come first, as Standard Webhooks has them ("Payload structure").
 */
export function deliveredEventOf(event: RecordedEvent): DeliveredEvent {
  const { id, externalId, source, origin, type, subject, occurredAt, data } = event;
  return {
    type,
    timestamp: new Date(occurredAt).toISOString(),
    data,
    id,
    externalId,
    source: source === '' ? null : source,
    origin,
    subject,
  };
}
