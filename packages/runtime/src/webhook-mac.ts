import { createHmac } from 'node:crypto';

/** What a request of Standard Webhooks is signed as. */
export interface SignedRequest {
  /** Its `webhook-id`. */
  id: string;
  /** Its `webhook-timestamp`: seconds since the epoch. */
  timestamp: string;
  body: string | Uint8Array;
}

/** The octets of a secret: `whsec_` and base64. */
export function webhookKey(secret: string): Buffer {
  return Buffer.from(secret.slice('whsec_'.length), 'base64');
}

/**
 * What a request is signed with: HMAC-SHA256 of its id, time and body under the secret's octets (Standard Webhooks,
 * "Signature scheme": github.com/standard-webhooks/standard-webhooks, spec).
 */
export function webhookMac(key: Buffer, { id, timestamp, body }: SignedRequest): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
