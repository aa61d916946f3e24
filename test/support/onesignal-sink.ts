import { randomUUID } from 'node:crypto';
import { Ajv } from 'ajv';
import {
  type HttpSink,
  type HttpSinkOptions,
  type HttpSinkReply,
  type HttpSinkRequest,
  startHttpSink,
} from './http-sink.ts';

/** A notification as it came, as far as tests look at it. */
export interface OneSignalNotification {
  include_subscription_ids: [string];
  idempotency_key: string;
  [more: string]: unknown;
}

export interface OneSignalSink extends HttpSink {
  readonly appId: string;
  readonly apiKey: string;
  /** The notifications that were sent: one for each idempotency key. */
  readonly taken: OneSignalNotification[];
  /** A subscription that may be sent to. */
  subscribe(): string;
  /** It is kept, but its user wants no pushes. */
  turnOff(subscriptionId: string): void;
}

const words = {
  type: 'object',
  additionalProperties: { type: 'string', minLength: 1 },
  required: ['en'],
} as const;
const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';

/** The fields of `POST /notifications` that Tidings may use. */
const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false }).compile({
  type: 'object',
  properties: {
    app_id: { type: 'string' },
    target_channel: { const: 'push' },
    include_subscription_ids: { type: 'array', minItems: 1, maxItems: 20_000, items: { type: 'string' } },
    headings: words,
    contents: words,
    url: { type: 'string' },
    data: { type: 'object' },
    idempotency_key: { type: 'string', pattern: uuid },
    collapse_id: { type: 'string', maxLength: 64 },
    ttl: { type: 'integer', minimum: 0, maximum: 2_419_200 },
    priority: { type: 'integer', minimum: 1, maximum: 10 },
  },
  required: ['app_id', 'include_subscription_ids', 'contents'],
  additionalProperties: false,
});

/** OneSignal's REST API on 127.0.0.1: `/notifications`, to create one and to list them. */
export async function startOneSignalSink(options: HttpSinkOptions = {}): Promise<OneSignalSink> {
  const appId = randomUUID();
  const apiKey = 'os_v2_app_of-the-sink';
  const subscriptions = new Map<string, 'on' | 'off'>();
  const answers = new Map<string, HttpSinkReply>();
  const taken: OneSignalNotification[] = [];

  function judge({ method, path, headers, json }: HttpSinkRequest): HttpSinkReply {
    const { pathname, searchParams } = new URL(path, 'http://onesignal');
    if (headers.authorization !== `Key ${apiKey}`) return fault(403, 'Access denied.');
    if (pathname !== '/notifications') return fault(404, 'Not found');
    if (method === 'GET') {
      const isOurs = searchParams.get('app_id') === appId;
      return isOurs ? { status: 200, body: { notifications: [] } } : fault(400, 'app_id not found.');
    }
    if (json?.app_id !== appId) return fault(400, 'app_id not found.');
    if (!validate(json)) return fault(400, `${validate.errors?.[0]?.instancePath} is not good`);
    const notification = json as unknown as OneSignalNotification;
    return answers.get(notification.idempotency_key) ?? create(notification);
  }

  function create(notification: OneSignalNotification): HttpSinkReply {
    const [id] = notification.include_subscription_ids;
    const state = subscriptions.get(id);
    if (state === undefined) {
      return { status: 200, body: { id: '', errors: { invalid_player_ids: [id] } } };
    }
    if (state === 'off') {
      return { status: 200, body: { id: '', errors: ['All included players are not subscribed'] } };
    }
    taken.push(notification);
    const { idempotency_key: key } = notification;
    const answer = { status: 200, body: { id: randomUUID(), external_id: key } };
    answers.set(key, answer);
    return answer;
  }

  const sink = await startHttpSink(judge, options);
  const more: Pick<OneSignalSink, 'appId' | 'apiKey' | 'taken' | 'subscribe' | 'turnOff'> = {
    appId,
    apiKey,
    taken,
    subscribe: () => {
      const id = randomUUID();
      subscriptions.set(id, 'on');
      return id;
    },
    turnOff: (id) => subscriptions.set(id, 'off'),
  };
  return Object.defineProperties(more as OneSignalSink, Object.getOwnPropertyDescriptors(sink));
}

function fault(status: number, text: string): HttpSinkReply {
  return { status, body: { errors: [text] } };
}
