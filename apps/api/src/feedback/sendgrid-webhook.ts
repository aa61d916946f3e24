import { type KeyObject, verify } from 'node:crypto';
import { type FeedbackType, idSchema } from '@tidings/contracts';
import type { Feedback } from '@tidings/db';
import { readP256PublicKey } from '@tidings/runtime';
import { cleanedText } from './cleaned-text.ts';
import { instantOf } from './instant-of.ts';
import type { Scheme, Told } from './scheme.ts';

export const sendGridSignatureHeader = 'x-twilio-email-event-webhook-signature';
const timestampHeader = 'x-twilio-email-event-webhook-timestamp';

/**
 * SendGrid posts for 24 hours what was not taken, and does not say whether it signs anew each time. An old request
 * that somebody repeats does no harm: its events are on record. Milliseconds.
 */
const oldestMs = 25 * 3_600_000;
const newestMs = 5 * 60_000;

/**
 * SendGrid's signed event webhook: ECDSA on P-256 with SHA-256 over timestamp and body ("Getting Started with the Event
 * Webhook Security Features"; fields in "Event Webhook Reference").
 *
 * @param publicKey base64
 */
export function sendGridWebhook(publicKey: string): Scheme {
  const key = readP256PublicKey(publicKey);
  return { isSigned: (headers, body, nowMs) => isSigned(key, headers, body, nowMs), read: readEvents };
}

function isSigned(key: KeyObject, headers: Headers, body: Uint8Array, nowMs: number): boolean {
  const time = headers.get(timestampHeader) ?? '';
  const signature = headers.get(sendGridSignatureHeader) ?? '';
  // A signature in DER (RFC 3279 §2.2.3) has 72 octets at most.
  if (!/^\d{1,12}$/.test(time) || !/^[A-Za-z0-9+/]{10,96}={0,2}$/.test(signature)) return false;
  const ageMs = nowMs - Number(time) * 1000;
  if (ageMs > oldestMs || ageMs < -newestMs) return false;
  const signed = Buffer.concat([Buffer.from(time), body]);
  return verify('sha256', signed, key, Buffer.from(signature, 'base64'));
}

type SendGridEvent = Readonly<Record<string, unknown>>;

/**
 * What each event means; what is not here is not kept. A block or a deferral is not for good; what SendGrid dropped
 * since it does not send to the address bounced. A machine's open says nothing of a person.
 */
const types: Readonly<Record<string, (event: SendGridEvent) => FeedbackType | undefined>> = {
  delivered: () => 'delivered',
  bounce: ({ type = 'bounce' }) => (type === 'bounce' ? 'bounced' : undefined),
  dropped: ({ reason }) =>
    /^(Bounced Address|Invalid)$/i.test(cleanedText(reason) ?? '') ? 'bounced' : undefined,
  spamreport: () => 'complained',
  unsubscribe: () => 'unsubscribed',
  group_unsubscribe: () => 'unsubscribed',
  open: ({ sg_machine_open }) => (sg_machine_open === true ? undefined : 'opened'),
  click: () => 'clicked',
};

/** Each event by itself: one that is odd must not cost those beside it. */
function readEvents(body: unknown): Told {
  const events: unknown[] = Array.isArray(body) ? body : [body];
  const feedback = events.flatMap((one) => feedbackOf((one ?? {}) as SendGridEvent) ?? []);
  return { feedback, ignored: events.length - feedback.length };
}

function feedbackOf(event: SendGridEvent): Feedback | undefined {
  const name = cleanedText(event.event) ?? '';
  const type = Object.hasOwn(types, name) ? types[name]?.(event) : undefined;
  if (type === undefined) return undefined;
  return {
    ...messageOf(event),
    type,
    at: instantOf(event.timestamp),
    eventId: cleanedText(event.sg_event_id) ?? undefined,
    code: cleanedText(event.status, 100),
    response: cleanedText(event.reason ?? event.response),
  };
}

const messageId = idSchema('message');

/** Our own id comes back among the custom arguments; `sg_message_id` begins with the X-Message-Id of the answer. */
function messageOf(event: SendGridEvent): Pick<Feedback, 'messageId' | 'providerMessageId'> {
  const ours = messageId.safeParse(event.tidings_message_id);
  if (ours.success) return { messageId: ours.data };
  const [theirs] = (cleanedText(event.sg_message_id) ?? '').split(/\.(?:filter|recv)/);
  return theirs ? { providerMessageId: theirs } : {};
}
