import type { Lane } from '@tidings/contracts';
import { v5 } from 'uuid';
import type { Delivery, RenderedPush } from './provider.ts';

/** The namespace of our idempotency keys (RFC 9562 §5.5). It must never change: a copy would have another key. */
const namespace = '3f6f1e0a-5a43-4f0e-9f57-7b9c1c4f0b8d';

/** OneSignal keeps a message for a device that is away for at most 28 days, in seconds. */
const longestTtlS = 28 * 86_400;

/** 10 is high, anything else normal; without one OneSignal goes by the device's platform. */
const priorities: Partial<Record<Lane, number>> = { critical: 10, high: 10, bulk: 5 };

/**
 * The body of `POST /notifications` (OneSignal, "Create message"). Every copy has the same idempotency key, by which
 * OneSignal sends one only, for 30 days; and the same collapse id (of at most 64 characters), by which a device shows
 * one only.
 *
 * @param now milliseconds since the epoch
 */
export function composeOneSignalNotification(
  { messageId, address, lane = 'normal', expiresAt, content }: Delivery<RenderedPush>,
  appId: string,
  now: number,
): string {
  const { title, body, url, data } = content;
  const priority = priorities[lane];
  return JSON.stringify({
    app_id: appId,
    target_channel: 'push',
    include_subscription_ids: [address],
    headings: { en: title },
    contents: { en: body },
    ...(url !== undefined && { url }),
    data: { ...data, tidingsMessageId: messageId },
    idempotency_key: v5(messageId, namespace),
    collapse_id: messageId.slice(0, 64),
    ...(expiresAt !== undefined && { ttl: ttlS(expiresAt, now) }),
    ...(priority !== undefined && { priority }),
  });
}

function ttlS(expiresAt: number, now: number): number {
  return Math.min(Math.max(Math.floor((expiresAt - now) / 1000), 0), longestTtlS);
}
