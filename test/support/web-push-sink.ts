import { createECDH } from 'node:crypto';
import { importJWK, type JWTPayload, jwtVerify } from 'jose';
import { type Certificate, makeCertificate } from './certificate.ts';
import { type HttpSink, type HttpSinkOptions, type HttpSinkRequest, startHttpSink } from './http-sink.ts';
import { makeSubscription, type TestSubscription } from './web-push-subscription.ts';

/** A message as the browser would get it. */
export interface WebPushMessage {
  endpoint: string;
  payload: Record<string, unknown>;
  topic: string;
  ttlS: number;
  urgency: string;
  claims: JWTPayload;
}

export interface WebPushSink extends HttpSink {
  readonly certificate: Certificate;
  /** The messages that were taken, a copy that replaced another among them. */
  readonly taken: WebPushMessage[];
  /** A browser subscribes for the application with this VAPID key. */
  subscribe(applicationKey: string): { endpoint: string; keys: TestSubscription['keys'] };
  /** It takes that back: 410 from now on. */
  unsubscribe(endpoint: string): void;
}

/** A key pair as `web-push generate-vapid-keys` makes one. */
export function makeVapidKeys(): { publicKey: string; privateKey: string } {
  const curve = createECDH('prime256v1');
  const publicKey = curve.generateKeys().toString('base64url');
  const scalar = curve.getPrivateKey();
  // Without its leading zeros it may be shorter.
  const privateKey = Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]).toString('base64url');
  return { publicKey, privateKey };
}

interface Subscribed {
  subscription: TestSubscription;
  applicationKey: string;
}

/** A push service (RFC 8030) on 127.0.0.1 by https, which is also the browser: it reads what it is given. */
export async function startWebPushSink(options: HttpSinkOptions = {}): Promise<WebPushSink> {
  const { certificate = makeCertificate() } = options;
  const subscribed = new Map<string, Subscribed | 'gone'>();
  const taken: WebPushMessage[] = [];
  let origin = '';

  async function judge(request: HttpSinkRequest) {
    const known = subscribed.get(request.path);
    if (known === undefined) return { status: 404, body: { errno: 102 } };
    if (known === 'gone') return { status: 410, body: { errno: 106 } };
    const fault = faultOfHeaders(request);
    if (fault !== undefined) return { status: 400, body: fault };
    if (request.body.length > 4096) return { status: 413, body: { errno: 104 } };
    const claims = await claimsOf(request.headers.authorization ?? '', origin, known.applicationKey);
    if (typeof claims === 'string') return { status: 403, body: claims };
    const { topic = '', ttl, urgency } = request.headers;
    taken.push({
      endpoint: `${origin}${request.path}`,
      payload: JSON.parse(known.subscription.decrypt(request.body).toString()),
      topic: String(topic),
      ttlS: Number(ttl),
      urgency: String(urgency),
      claims,
    });
    return { status: 201, headers: { location: `${origin}/m/${taken.length}` } };
  }

  const sink = await startHttpSink(judge, { ...options, certificate });
  origin = sink.url;
  let made = 0;
  const more: Pick<WebPushSink, 'certificate' | 'taken' | 'subscribe' | 'unsubscribe'> = {
    certificate,
    taken,
    subscribe: (applicationKey) => {
      made += 1;
      const subscription = makeSubscription();
      subscribed.set(`/push/${made}`, { subscription, applicationKey });
      return { endpoint: `${origin}/push/${made}`, keys: subscription.keys };
    },
    unsubscribe: (endpoint) => subscribed.set(new URL(endpoint).pathname, 'gone'),
  };
  return Object.defineProperties(more as WebPushSink, Object.getOwnPropertyDescriptors(sink));
}

/** RFC 8030 §5 and RFC 8291 §4. */
function faultOfHeaders({ method, headers }: HttpSinkRequest): string | undefined {
  if (method !== 'POST') return 'no POST';
  if (!/^\d{1,7}$/.test(String(headers.ttl))) return 'no TTL';
  if (headers.topic !== undefined && !/^[\w-]{1,32}$/.test(String(headers.topic))) return 'bad Topic';
  if (!['very-low', 'low', 'normal', 'high'].includes(String(headers.urgency))) return 'bad Urgency';
  return headers['content-encoding'] === 'aes128gcm' ? undefined : 'another encoding';
}

/** RFC 8292 §2 and §3; the words are those of Chrome's push service. */
async function claimsOf(authorization: string, origin: string, key: string): Promise<JWTPayload | string> {
  const [, token = '', shown = ''] = /^vapid t=([\w.-]+), ?k=([\w-]{87})$/.exec(authorization) ?? [];
  if (shown !== key) {
    return 'the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.';
  }
  const point = Buffer.from(shown, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  try {
    const publicKey = await importJWK({ kty: 'EC', crv: 'P-256', x, y } as { kty: string }, 'ES256');
    const { payload } = await jwtVerify(token, publicKey, { audience: origin, algorithms: ['ES256'] });
    const isShort = (payload.exp ?? Number.POSITIVE_INFINITY) <= Date.now() / 1000 + 86_400;
    return isShort && /^(mailto:|https:\/\/)/.test(payload.sub ?? '') ? payload : 'invalid JWT provided';
  } catch {
    return 'invalid JWT provided';
  }
}
