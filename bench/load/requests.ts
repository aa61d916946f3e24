import { type Call, itemsPerBulk } from './calls.ts';

const paths: Readonly<Record<Call, string>> = {
  'trpc send': '/trpc/notifications.send',
  'rest send': '/v1/notifications',
  'trpc sendMany': '/trpc/notifications.sendMany',
  'trpc publish': '/trpc/events.publish',
};

/** As many different requests as are made; then they come again. */
const different = 500;

/** Makes the requests of a load, as octets. */
export interface Requests {
  /** `at` is when it was due, by `performance.now()`. */
  next(at?: number): Buffer;
}

/**
 * Requests for one templated e-mail (or 500 of them) to addresses of their own, or of an event. With `stamp` the link holds the
 * instant at which the request was due, which a sink can read out of the mail.
 */
export function createRequests(options: {
  call: Call;
  apiKey: string;
  withKeys?: boolean;
  stamp?: boolean;
  lane?: string;
}): Requests {
  const { call, apiKey, withKeys = false, stamp = false, lane } = options;
  const path = paths[call];
  let made = 0;

  function item(index: number, at: number) {
    const link = stamp
      ? `https://example.com/t/${performance.timeOrigin + at}/`
      : 'https://example.com/confirm';
    return {
      to: { email: `user${index}@example.com` },
      template: 'welcome_email',
      data: { name: `User ${index}`, link },
      ...(lane !== undefined && { lane }),
    };
  }

  function event(index: number) {
    return {
      type: 'order.created',
      id: `order-${index}-created`,
      subject: `user-${index}`,
      data: { orderId: `${index}`, customer: { email: `user${index}@example.com` } },
    };
  }

  function bodyOf(index: number, at: number) {
    if (call === 'trpc publish') return event(index);
    if (call !== 'trpc sendMany') return item(index, at);
    return { items: Array.from({ length: itemsPerBulk }, (_, nth) => item(index * itemsPerBulk + nth, at)) };
  }

  function make(index: number, at: number): Buffer {
    const body = bodyOf(index, at);
    const key = `bench-${index}`;
    const inBody = withKeys && call === 'trpc send' ? { ...body, idempotencyKey: key } : body;
    const text = JSON.stringify(inBody);
    const header = withKeys && call === 'rest send' ? `Idempotency-Key: ${key}\r\n` : '';
    return Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${apiKey}\r\n${header}` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  }

  // An event that has an id is another one each time.
  const isFresh = withKeys || stamp || call === 'trpc publish';
  const ready = isFresh
    ? []
    : Array.from({ length: call === 'trpc sendMany' ? 20 : different }, (_, index) => make(index, 0));
  const offset = Date.now() % 1_000_000_000;
  return {
    next: (at = 0) => {
      made += 1;
      return isFresh ? make(offset * 1000 + made, at) : (ready[made % ready.length] as Buffer);
    },
  };
}
