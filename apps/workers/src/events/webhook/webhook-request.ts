import type { EventRow } from '@tidings/db';
import { deliveredEventOf } from '@tidings/events';
import { webhookKey, webhookMac } from '@tidings/runtime';
import type { HttpRequest } from '../../providers/http-client.ts';

/**
 * The request of one try, as Standard Webhooks has it (github.com/standard-webhooks/standard-webhooks, spec). Its id and
 * body are the event's alone, the same at every try; time and signatures are of this one.
 *
 * @param secrets those that its endpoint may check by, each of which signs: two while one takes the place of another
 * @param at when the try began, in milliseconds since the epoch
 */
export function composeWebhook(options: {
  url: string;
  event: EventRow;
  secrets: readonly string[];
  at: number;
}): HttpRequest {
  const { url, event, secrets, at } = options;
  const { id } = event;
  const timestamp = String(Math.floor(at / 1000));
  const body = bodyOf(event);
  const signatures = secrets.map((secret) => {
    return `v1,${webhookMac(webhookKey(secret), { id, timestamp, body }).toString('base64')}`;
  });
  return {
    url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Tidings',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}

/** Copies that were claimed together share their event: a body of a megabyte is made once, not for each endpoint. */
const bodies = new WeakMap<EventRow, Buffer>();

function bodyOf(event: EventRow): Buffer {
  const made = bodies.get(event) ?? Buffer.from(JSON.stringify(deliveredEventOf(event)));
  bodies.set(event, made);
  return made;
}
