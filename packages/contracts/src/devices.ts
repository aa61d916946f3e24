import { z } from 'zod';
import { idSchema } from './ids.ts';
import { operation } from './operation.ts';
import { recipientId } from './recipient-id.ts';
import { platforms } from './statuses.ts';

/**
 * A device token: printable ASCII. FCM's have some 160 characters; more than 2,048 would not fit the unique index
 * of tokens, since Postgres takes entries of at most 2,704 bytes.
 */
const printable = z
  .string()
  .regex(/^[\x21-\x7e]{1,2048}$/, 'must be 1 to 2,048 printable ASCII characters without spaces')
  .meta({ examples: ['fcm-registration-token'] });

/** A OneSignal subscription id: a UUID. */
const subscriptionId = z
  .string()
  .regex(
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    'must be a UUID in lower case, as a OneSignal subscription id is',
  )
  .meta({ examples: ['5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27'] });

/** One device by its token. A Web Push subscription is more than a token, so it has to be registered. */
export const deviceToken = z.union([
  z.strictObject({ platform: z.enum(['fcm']), token: printable }),
  z.strictObject({ platform: z.enum(['onesignal']), token: subscriptionId }),
]);

/**
 * The keys of a Web Push subscription in base64url without padding (RFC 8291 §3.1 and §3.2): an uncompressed
 * point of P-256, 65 octets that begin with 4, and 16 octets of secret.
 */
export const webPushKeys = z.strictObject({
  p256dh: z
    .string()
    .regex(
      /^B[A-P][\w-]{84}[AEIMQUYcgkosw048]$/,
      'must be an uncompressed P-256 point, 65 octets in base64url without padding',
    )
    .meta({
      examples: ['BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'],
    }),
  auth: z
    .string()
    .regex(/^[\w-]{21}[AQgw]$/, 'must be 16 octets in base64url without padding')
    .meta({ examples: ['BTBZMqHH6r4Tts7J_aSIgg'] }),
});
export type WebPushKeys = z.infer<typeof webPushKeys>;

/** A subscription as `PushSubscription.toJSON()` of a browser gives it, without its `expirationTime`. */
export const webPushSubscription = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https:\/\/[\x21-\x7e]{1,2040}$/, 'must be an https URL of at most 2,048 ASCII characters')
    .refine(isEndpoint, { message: 'must be an https URL without user and password' })
    .meta({ examples: ['https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV'] }),
  keys: webPushKeys,
});

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && url.hostname !== '';
}

export const deviceView = z.strictObject({
  id: idSchema('device'),
  platform: z.enum(platforms),
  token: z.string().meta({ description: 'Of a Web Push subscription the endpoint.' }),
  createdAt: z.iso.datetime(),
  deactivatedAt: z.iso.datetime().nullable().meta({
    description: 'Since when the push provider knows the token no more; registering it again makes it live.',
  }),
});
export type DeviceView = z.infer<typeof deviceView>;

/** A device of any platform: `subscription` for Web Push, `token` for the others. */
export const registerDeviceInput = z
  .strictObject({
    recipientId,
    platform: z.enum(platforms),
    token: printable.optional(),
    subscription: webPushSubscription.optional(),
  })
  .superRefine(({ platform, token, subscription }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const isWebPush = platform === 'webpush';
    if (isWebPush && token !== undefined) fault('token', 'is not for webpush, which has a subscription');
    if (isWebPush && subscription === undefined) fault('subscription', 'is required for webpush');
    if (!isWebPush && subscription !== undefined) fault('subscription', 'is for webpush only');
    if (!isWebPush && token === undefined) fault('token', `is required for ${platform}`);
    if (platform !== 'onesignal' || token === undefined) return;
    const { error } = subscriptionId.safeParse(token);
    if (error !== undefined) fault('token', error.issues[0]?.message ?? 'is not a subscription id');
  });
export type RegisterDeviceInput = z.infer<typeof registerDeviceInput>;

export const registerDevice = operation({
  name: 'devices.register',
  summary: 'Give a recipient a device. A token belongs to one recipient: the last to register it.',
  method: 'POST',
  path: '/v1/recipients/{recipientId}/devices',
  status: 201,
  access: { scope: 'manage' },
  errors: ['not_found', 'too_many_devices'],
  input: registerDeviceInput,
  output: deviceView,
});

export const listDevices = operation({
  name: 'devices.list',
  summary: 'The devices of a recipient, oldest first, deactivated ones among them.',
  method: 'GET',
  path: '/v1/recipients/{recipientId}/devices',
  status: 200,
  access: { scope: 'read' },
  errors: ['not_found'],
  input: z.strictObject({ recipientId }),
  output: z.strictObject({ items: z.array(deviceView) }),
});

export const removeDevice = operation({
  name: 'devices.remove',
  summary: 'Forget a device. Answers it as it was.',
  method: 'DELETE',
  path: '/v1/recipients/{recipientId}/devices/{deviceId}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ recipientId, deviceId: idSchema('device') }),
  output: deviceView,
});
