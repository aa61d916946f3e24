import { hash, timingSafeEqual } from 'node:crypto';
import type { FeedbackType } from '@tidings/contracts';
import type { Feedback } from '@tidings/db';
import { cleanedText } from './cleaned-text.ts';
import { instantOf } from './instant-of.ts';
import type { Scheme, Told } from './scheme.ts';

/**
 * OneSignal's event streams are not signed, but send headers that one chooses ("Event Streams"): the secret comes as
 * bearer token. Their body is written by whoever sets the stream up; here it is, of the fields in "Event Stream data
 * reference",
 *
 *     { "event": { "id": "{{ event.id }}", "kind": "{{ event.kind }}", "timestamp": "{{ event.timestamp }}" },
 *       "message": { "id": "{{ message.id }}" } }
 */
export function oneSignalStream(secret: string): Scheme {
  const expected = hash('sha256', secret, 'buffer');
  return {
    isSigned: (headers) => {
      const [, token = ''] = bearer.exec(headers.get('authorization') ?? '') ?? [];
      return timingSafeEqual(hash('sha256', token, 'buffer'), expected);
    },
    read: readEvent,
  };
}

const bearer = /^Bearer +(\S+) *$/i;

/** What each kind means; what is not here is not kept. That a push failed does not say that it fails for good. */
const types: Readonly<Record<string, FeedbackType>> = {
  'message.push.received': 'delivered',
  'message.push.clicked': 'clicked',
  'message.push.unsubscribed': 'unsubscribed',
};

function readEvent(body: unknown): Told {
  const { event, message } = (body ?? {}) as Record<string, Record<string, unknown> | null | undefined>;
  const kind = cleanedText(event?.kind) ?? '';
  const type = Object.hasOwn(types, kind) ? types[kind] : undefined;
  if (type === undefined) return { feedback: [], ignored: 1 };
  const told: Feedback = {
    providerMessageId: cleanedText(message?.id) ?? undefined,
    type,
    eventId: cleanedText(event?.id) ?? undefined,
    at: instantOf(event?.timestamp),
  };
  return { feedback: [told], ignored: 0 };
}
