import { timingSafeEqual } from 'node:crypto';
import { providerEventsBody } from '@tidings/contracts';
import type { Feedback } from '@tidings/db';
import { webhookKey, webhookMac } from '@tidings/runtime';
import type { z } from 'zod';
import { invalidRequest } from '../http/problem.ts';
import type { Scheme, Told } from './scheme.ts';

/** How far a signature's time may be from ours; a sender that tries again signs again. Milliseconds. */
const toleranceMs = 5 * 60_000;
const longestId = 200;

/** Headers that a request has which is signed so. */
export const signatureHeader = 'webhook-signature';

/**
 * Events in a form of our own, signed by Standard Webhooks under a secret of both sides (`webhookMac`). Checked without
 * the library, which hashes in JavaScript: whoever does not know the secret would keep the process busy for longer than
 * it takes to send.
 *
 * @param secret `whsec_` and base64
 */
export function standardWebhooks(secret: string): Scheme {
  const key = webhookKey(secret);

  function isSigned(headers: Headers, body: Uint8Array, nowMs: number): boolean {
    const [id, timestamp] = [idOf(headers), headers.get('webhook-timestamp') ?? ''];
    if (id === '' || id.length > longestId || !/^\d{1,12}$/.test(timestamp)) return false;
    if (Math.abs(nowMs - Number(timestamp) * 1000) > toleranceMs) return false;
    const expected = webhookMac(key, { id, timestamp, body });
    const given = (headers.get(signatureHeader) ?? '').split(' ');
    return given.some((signature) => {
      const [version, digest = ''] = signature.split(',');
      const octets = Buffer.from(digest, 'base64');
      return version === 'v1' && octets.length === expected.length && timingSafeEqual(octets, expected);
    });
  }

  return { isSigned, read: readEvents };
}

function readEvents(body: unknown, headers: Headers): Told {
  const parsed = providerEventsBody.safeParse(body);
  if (!parsed.success) throw invalidRequest(parsed.error);
  const id = idOf(headers);
  return {
    feedback: parsed.data.events.map((event, index) => feedbackOf(event, `${id}:${index}`)),
    ignored: 0,
  };
}

type Event = z.output<typeof providerEventsBody>['events'][number];

/** A request that is made again has the same id. */
function feedbackOf({ at, eventId, ...event }: Event, place: string): Feedback {
  return { ...event, eventId: eventId ?? place, ...(at !== undefined && { at: Date.parse(at) }) };
}

function idOf(headers: Headers): string {
  return headers.get('webhook-id') ?? '';
}
