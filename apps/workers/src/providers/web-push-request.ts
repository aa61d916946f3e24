import { createECDH, timingSafeEqual } from 'node:crypto';
import type { Lane } from '@tidings/contracts';
import webPush from 'web-push';
import type { Delivery, RenderedPush } from './provider.ts';

/** Who sends, for the push services (RFC 8292): a P-256 key pair in base64url, and whom to complain to. */
export interface VapidDetails {
  publicKey: string;
  privateKey: string;
  /** `mailto:…` or `https://…` of somebody who reads it; Apple refuses `localhost`. */
  subject: string;
}

export interface WebPushRequest {
  url: string;
  headers: Record<string, string>;
  /** Encrypted. */
  body: Buffer;
}

/** What every push service takes of a body (RFC 8030 §7.2), in octets. */
export const maxWebPushBytes = 4096;

/** Four weeks, in seconds: what push services keep a message for at most. */
const longestTtlS = 28 * 86_400;

const urgencies = { critical: 'high', high: 'high', normal: 'normal', bulk: 'low' } as const satisfies Record<
  Lane,
  string
>;

/**
 * The request for one message: encrypted for the subscription (RFC 8291) and signed for its push service (RFC 8292).
 * The encryption differs from copy to copy. What they share is the Topic (RFC 8030 §5.4), by which a push service
 * keeps only the last, and the tag, by which a notification replaces the one that is shown.
 *
 * @param now milliseconds since the epoch
 * @throws when the subscription has no keys, or none that anything can be encrypted with, or is one of GCM
 */
export function composeWebPush(
  { address, keys, messageId, lane = 'normal', expiresAt, content }: Delivery<RenderedPush>,
  vapidDetails: VapidDetails,
  now: number,
): WebPushRequest {
  if (!keys) throw new Error('The subscription has no keys');
  const { title, body: text, url, data } = content;
  const payload = JSON.stringify({ title, body: text, url, data, tag: messageId, messageId });
  const endpoint = new URL(address).href;
  // Without VAPID, and ended in 2019; the library would write a warning for each.
  if (endpoint.startsWith('https://android.googleapis.com/gcm/')) throw new Error('GCM has ended');
  const { headers, body } = webPush.generateRequestDetails({ endpoint, keys }, payload, {
    vapidDetails,
    contentEncoding: 'aes128gcm',
    TTL: ttlS(expiresAt, now),
    urgency: urgencies[lane],
    topic: messageId.slice(-32),
  });
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return { url: endpoint, headers: Object.fromEntries(named), body: body ?? Buffer.alloc(0) };
}

/** How long the push service may wait for the device, in seconds (RFC 8030 §5.2). */
function ttlS(expiresAt: number | undefined, now: number): number {
  if (expiresAt === undefined) return longestTtlS;
  return Math.min(Math.max(Math.floor((expiresAt - now) / 1000), 0), longestTtlS);
}

/**
 * Refuses keys that do not belong together: what they sign, no push service would believe.
 *
 * @throws Error, without the key
 */
export function checkVapidKeys({ publicKey, privateKey }: Omit<VapidDetails, 'subject'>): void {
  const given = Buffer.from(publicKey, 'base64url');
  const derived = publicKeyOf(Buffer.from(privateKey, 'base64url'));
  if (derived === undefined || derived.length !== given.length || !timingSafeEqual(derived, given)) {
    throw new Error('is not the private key of VAPID_PUBLIC_KEY');
  }
}

function publicKeyOf(privateKey: Buffer): Buffer | undefined {
  const curve = createECDH('prime256v1');
  try {
    curve.setPrivateKey(privateKey);
    return curve.getPublicKey();
  } catch {
    return undefined;
  }
}
