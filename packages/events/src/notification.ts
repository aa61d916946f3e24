import {
  type CopyReason,
  faultsOf,
  type JsonObject,
  type NotifySettings,
  type SendInput,
  sendInput,
} from '@tidings/contracts';
import { deliveredEventOf, type RecordedEvent } from './delivered-event.ts';
import { valueAt } from './json-pointer.ts';

/** A rule that turns events into notifications. */
export interface NotifyRule {
  id: string;
  settings: NotifySettings;
}

/** What a rule asks for of an event, or why it cannot ask for anything. */
export type RuledNotification =
  | { kind: 'asked'; input: SendInput }
  | { kind: 'fault'; reason: Extract<CopyReason, 'recipient_missing' | 'rejected'>; detail: string };

/**
 * The request that a rule makes of an event: a function of what is on record alone, so that a second run asks for the
 * same, under the same idempotency key. Pointers are into the event as every consumer gets it.
 */
export function notificationOf(
  { id, settings }: NotifyRule,
  event: RecordedEvent & { /** When it was published. */ createdAt: number },
): RuledNotification {
  const document = deliveredEventOf(event);
  const to = recipientIn(document, settings.to);
  if ('missingAt' in to) {
    return { kind: 'fault', reason: 'recipient_missing', detail: `nothing usable stands at ${to.missingAt}` };
  }
  const { template, channels, data, locale, lane, category, delaySeconds } = settings;
  const parsed = sendInput.safeParse({
    to,
    template,
    channels,
    data: data === undefined ? event.data : mappedData(document, data),
    locale,
    lane,
    category,
    metadata: { eventId: event.id, subscriptionId: id },
    idempotencyKey: `${event.id}:${id}`,
    ...(delaySeconds > 0 && { sendAt: new Date(event.createdAt + delaySeconds * 1000).toISOString() }),
  });
  if (parsed.success) return { kind: 'asked', input: parsed.data };
  const [first] = faultsOf(parsed.error);
  return { kind: 'fault', reason: 'rejected', detail: `${first?.pointer} ${first?.detail}` };
}

function recipientIn(document: JsonObject, to: NotifySettings['to']) {
  const pointer = 'recipientId' in to ? to.recipientId : to.email;
  const found = textAt(document, pointer);
  if (found === undefined) return { missingAt: pointer };
  if ('recipientId' in to) return { recipientId: found };
  const name = to.name === undefined ? undefined : textAt(document, to.name);
  return { email: found, name };
}

/** A text that is not empty; whole numbers, as which many applications count their users, as one. */
function textAt(document: JsonObject, pointer: string): string | undefined {
  const found = valueAt(document, pointer);
  if (Number.isSafeInteger(found)) return String(found);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** What is not there is left out: the template says whether it can do without. */
function mappedData(document: JsonObject, data: NonNullable<NotifySettings['data']>): JsonObject {
  const variables = Object.entries(data).map(([name, from]) => [
    name,
    'pointer' in from ? valueAt(document, from.pointer) : from.value,
  ]);
  return Object.fromEntries(variables.filter(([, value]) => value !== undefined));
}
