import type { Delivery, RenderedPush } from './provider.ts';

/**
 * The body of `messages:send` (FCM HTTP v1, resource `projects.messages`). FCM has no idempotency key, so every
 * copy is the same to the octet and bears the message's id wherever a device or a push service on the way can
 * tell by it that a second one is no news: Android's and the browser's notification tag, Apple's collapse id (at
 * most 64 octets), the Topic of Web Push (RFC 8030 §5.4: at most 32 characters), and the data, for the app.
 *
 * FCM opens a URL by itself in browsers only, and there only https (`WebpushFcmOptions.link`); an app finds it in the
 * data.
 */
export function composeFcmMessage({ messageId, address, content }: Delivery<RenderedPush>): string {
  const { title, body, url, data } = content;
  const link = url?.startsWith('https://') ? url : undefined;
  return JSON.stringify({
    message: {
      token: address,
      notification: { title, body },
      data: { ...(url !== undefined && { url }), ...data, tidingsMessageId: messageId },
      // Not `collapse_key`: FCM keeps four of them for a device that is away, and drops the other messages.
      android: { notification: { tag: messageId } },
      apns: { headers: { 'apns-collapse-id': messageId } },
      webpush: {
        headers: { Topic: messageId.slice(-32) },
        notification: { tag: messageId },
        ...(link !== undefined && { fcm_options: { link } }),
      },
    },
  });
}
