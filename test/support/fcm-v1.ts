import { Ajv } from 'ajv';

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const label = { type: 'string', pattern: '^[a-zA-Z0-9-_.~%]{1,50}$' };
const data = { ...texts, propertyNames: { not: { pattern: '^(from|message_type|google.*|gcm.*)$' } } };

/**
 * The fields of `projects.messages` in FCM HTTP v1 that a notification to one device can have, with their types
 * and what APNs (a collapse id of at most 64 octets) and Web Push (RFC 8030 §5.4) demand of the headers.
 */
const schema = object({
  validate_only: { type: 'boolean' },
  message: {
    ...object({
      token: { type: 'string', minLength: 1 },
      notification: object({ title: text, body: text, image: text }),
      data,
      android: object({
        collapse_key: text,
        priority: { enum: ['NORMAL', 'HIGH'] },
        ttl: { type: 'string', pattern: '^\\d+(\\.\\d{1,9})?s$' },
        restricted_package_name: text,
        data,
        notification: object({
          title: text,
          body: text,
          icon: text,
          color: text,
          sound: text,
          tag: text,
          click_action: text,
          channel_id: text,
        }),
        fcm_options: object({ analytics_label: label }),
        direct_boot_ok: { type: 'boolean' },
      }),
      apns: object({
        headers: { ...texts, properties: { 'apns-collapse-id': { type: 'string', maxLength: 64 } } },
        payload: { type: 'object' },
        fcm_options: object({ analytics_label: label, image: text }),
      }),
      webpush: object({
        headers: { ...texts, properties: { Topic: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,32}$' } } },
        data,
        notification: { type: 'object' },
        fcm_options: object({ link: text, analytics_label: label }),
      }),
      fcm_options: object({ analytics_label: label }),
    }),
    required: ['token'],
  },
});

const validate = new Ajv({ strict: true, strictTypes: false }).compile({ ...schema, required: ['message'] });

/** What FCM would find wrong with a body of `messages:send`; undefined when it is a good one. */
export function faultOfFcmBody(body: unknown): string | undefined {
  if (validate(body)) return undefined;
  const [error] = validate.errors ?? [];
  return `Invalid value at '${error?.instancePath}': ${error?.message} ${JSON.stringify(error?.params)}`;
}

function object(properties: object): object {
  return { type: 'object', properties, additionalProperties: false };
}
