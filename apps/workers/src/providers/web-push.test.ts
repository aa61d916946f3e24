import { afterEach, describe, expect, test } from 'vitest';
import { type HttpSinkAnswer, startHttpSink } from '../../../../test/support/http-sink.ts';
import { makeVapidKeys, startWebPushSink, type WebPushSink } from '../../../../test/support/web-push-sink.ts';
import { makeSubscription } from '../../../../test/support/web-push-subscription.ts';
import type { Delivery, Provider, RenderedPush } from './provider.ts';
import { createWebPushProvider } from './web-push.ts';
import { checkVapidKeys } from './web-push-request.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

const vapid = { ...makeVapidKeys(), subject: 'mailto:push@acme.example' };
const now = Date.now();

async function sinkOf(options: Parameters<typeof startWebPushSink>[0] = {}): Promise<WebPushSink> {
  const sink = await startWebPushSink(options);
  running.push(sink);
  return sink;
}

type Options = Partial<Parameters<typeof createWebPushProvider>[0]>;

function providerFor(sink: WebPushSink, options: Options = {}): Provider<RenderedPush> {
  const provider = createWebPushProvider({
    vapid,
    allowedNetworks: ['127.0.0.0/8'],
    services: ['127.0.0.1'],
    tls: { ca: sink.certificate.cert },
    closeTimeoutMs: 100,
    now: () => now,
    ...options,
  });
  running.push({ stop: provider.close });
  return provider;
}

const messageId = 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1';

function delivery(
  { endpoint, keys }: { endpoint: string; keys?: Delivery['keys'] },
  more: Partial<Delivery<RenderedPush>> = {},
): Delivery<RenderedPush> {
  return {
    messageId,
    address: endpoint,
    platform: 'webpush',
    keys: keys ?? null,
    toName: null,
    date: 1_770_000_000_000,
    content: { channel: 'push', title: 'Hi 😀', body: 'Grüße\nline two' },
    ...more,
  };
}

test('the decryption of these tests reads the example of RFC 8291, section 5', () => {
  const subscription = makeSubscription({
    privateKey: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  });
  const body =
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN';
  expect(subscription.decrypt(Buffer.from(body, 'base64url')).toString()).toBe(
    'When I grow up, I want to be a watermelon',
  );
});

describe('a message', () => {
  test('is what only its browser can read, signed for its push service', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const content = {
      channel: 'push',
      title: 'Hi 😀',
      body: 'Grüße\nline two',
      url: 'https://acme.example/orders/1',
      data: { order: '1' },
    } as const;
    expect(await providerFor(sink).send(delivery(to, { content }))).toEqual({
      outcome: 'sent',
      code: '201',
      response: '',
    });
    expect(sink.taken).toEqual([
      {
        endpoint: to.endpoint,
        payload: {
          title: 'Hi 😀',
          body: 'Grüße\nline two',
          url: 'https://acme.example/orders/1',
          data: { order: '1' },
          tag: messageId,
          messageId,
        },
        topic: '019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
        ttlS: 2_419_200,
        urgency: 'normal',
        claims: { aud: sink.url, sub: 'mailto:push@acme.example', exp: expect.any(Number) },
      },
    ]);
  });

  test('is of no use after it expires, and as urgent as its lane', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const provider = providerFor(sink);
    const all = [
      { lane: 'critical', expiresAt: now + 90_500 },
      { lane: 'high', expiresAt: now - 1 },
      { lane: 'normal', expiresAt: now + 365 * 86_400_000 },
      { lane: 'bulk' },
    ] as const;
    for (const more of all)
      expect(await provider.send(delivery(to, more))).toMatchObject({ outcome: 'sent' });
    expect(sink.taken.map(({ urgency, ttlS }) => [urgency, ttlS])).toEqual([
      ['high', 90],
      ['high', 0],
      ['normal', 2_419_200],
      ['low', 2_419_200],
    ]);
  });

  test('has one topic and tag in every copy, and no two have the same octets', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const provider = providerFor(sink);
    for (let copy = 0; copy < 3; copy += 1) await provider.send(delivery(to));
    expect(new Set(sink.taken.map(({ topic, payload }) => `${topic} ${payload.tag}`)).size).toBe(1);
    expect(new Set(sink.requests.map(({ body }) => body.toString('hex'))).size).toBe(3);
  });

  test('of 4,096 octets when encrypted goes, one octet more is refused before it is sent', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const provider = providerFor(sink);
    const ofBody = (length: number) =>
      provider.send(delivery(to, { content: { channel: 'push', title: '', body: 'a'.repeat(length) } }));
    // Header, delimiter and tag are 103 octets (RFC 8188 §2), the rest of the JSON is what it is without a body.
    const around = 103 + JSON.stringify({ title: '', body: '', tag: messageId, messageId }).length;
    expect(await ofBody(4096 - around)).toMatchObject({ outcome: 'sent' });
    expect(sink.requests[0]?.body.length).toBe(4096);
    expect(await ofBody(4096 - around + 1)).toEqual({
      outcome: 'rejected',
      reason: 'rejected',
      response: 'The message has 4097 octets when encrypted, of which push services take 4096',
    });
    expect(sink.requests).toHaveLength(1);
  });

  test.each([
    ['no keys', null],
    [
      'a key that is no point of the curve',
      { p256dh: `BP${'_'.repeat(84)}8`, auth: 'BTBZMqHH6r4Tts7J_aSIgg' },
    ],
    ['a key of another length', { p256dh: 'BAAA', auth: 'BTBZMqHH6r4Tts7J_aSIgg' }],
  ])('to a subscription with %s bounces', async (_, keys) => {
    const sink = await sinkOf();
    const { endpoint } = sink.subscribe(vapid.publicKey);
    expect(await providerFor(sink).send(delivery({ endpoint, keys }))).toMatchObject({
      outcome: 'bounced',
      reason: 'invalid_address',
    });
    expect(sink.requests).toEqual([]);
  });
});

test('a subscription of GCM, which has ended, bounces', async () => {
  const sink = await sinkOf();
  const to = { ...sink.subscribe(vapid.publicKey), endpoint: 'https://android.googleapis.com/gcm/send/abc' };
  expect(await providerFor(sink).send(delivery(to))).toEqual({
    outcome: 'bounced',
    reason: 'invalid_address',
    response: 'GCM has ended',
  });
});

describe('a subscription', () => {
  test('that is gone, unknown again and again, or of another key bounces', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    const gone = sink.subscribe(vapid.publicKey);
    sink.unsubscribe(gone.endpoint);
    const unknown = { ...gone, endpoint: `${sink.url}/push/unknown` };
    const foreign = sink.subscribe(makeVapidKeys().publicKey);
    const bounced = { outcome: 'bounced', reason: 'invalid_address' };
    expect(await provider.send(delivery(gone))).toMatchObject({ ...bounced, code: '410' });
    for (const failures of [0, 1]) {
      const result = await provider.send(delivery(unknown, { failures }));
      expect(result).toMatchObject({ outcome: 'transient', code: '404' });
    }
    expect(await provider.send(delivery(unknown, { failures: 2 }))).toMatchObject({
      ...bounced,
      code: '404',
    });
    expect(await provider.send(delivery(foreign))).toMatchObject({ ...bounced, code: '403' });
    expect(sink.taken).toEqual([]);
  });

  test('whose push service does not believe our signature: that is our fault', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const { privateKey } = makeVapidKeys();
    expect(await providerFor(sink, { vapid: { ...vapid, privateKey } }).send(delivery(to))).toMatchObject({
      outcome: 'held',
      reason: 'provider_configuration',
      response: 'invalid JWT provided',
    });
  });

  test.each([
    'https://localhost/push',
    'https://10.0.0.1/push',
    'https://169.254.169.254/latest/api/token',
    'https://[::ffff:127.0.0.1]/push',
    'https://2130706433/push',
    'http://127.0.0.1/push',
    'https://127.0.0.1:8443/push',
  ])('%s is connected to by nobody', async (endpoint) => {
    const sink = await sinkOf();
    const { keys } = makeSubscription();
    const provider = providerFor(sink, { allowedNetworks: [] });
    expect(await provider.send(delivery({ endpoint, keys }))).toMatchObject({
      outcome: 'rejected',
      reason: 'invalid_address',
      code: 'EUNSAFE',
    });
  });

  test('that leads elsewhere is not followed', async () => {
    const inside = await startHttpSink(() => ({ status: 200 }));
    running.push(inside);
    const sink = await sinkOf({ answer: () => ({ status: 307, headers: { location: inside.url } }) });
    const to = sink.subscribe(vapid.publicKey);
    expect(await providerFor(sink).send(delivery(to))).toMatchObject({ outcome: 'rejected', code: '307' });
    expect(inside.requests).toEqual([]);
  });
});

describe('a host that a user made up', () => {
  test.each<[answer: HttpSinkAnswer, outcome: string]>([
    [{ status: 403, body: 'invalid JWT provided' }, 'transient'],
    [{ status: 401 }, 'transient'],
    [{ status: 429, headers: { 'retry-after': '3600' } }, 'transient'],
    [{ status: 503, headers: { 'retry-after': '3600' } }, 'transient'],
    [{ status: 500 }, 'transient'],
    ['drop', 'ambiguous'],
    ['silence', 'ambiguous'],
    ['endless', 'sent'],
    ['half', 'sent'],
  ])('may say %j: nobody else’s message is held', async (answer, outcome) => {
    const sink = await sinkOf({ answer: () => answer });
    const provider = providerFor(sink, { services: [], replyTimeoutMs: 200 });
    const to = sink.subscribe(vapid.publicKey);
    const result = await provider.send(delivery(to));
    expect(result).toMatchObject({ outcome });
    expect(result.blame).toBe(outcome === 'sent' ? undefined : 'message');
  });

  test('may be away or have a bad certificate: nobody else’s message is held', async () => {
    const sink = await sinkOf();
    const to = sink.subscribe(vapid.publicKey);
    const provider = providerFor(sink, { services: [], tls: {} });
    const expected = { outcome: 'transient', reason: 'provider_unavailable', blame: 'message' };
    expect(await provider.send(delivery(to))).toMatchObject({
      ...expected,
      code: expect.stringContaining('SELF_SIGNED'),
    });
    expect(await provider.send(delivery({ ...to, endpoint: 'https://127.0.0.1:1/' }))).toMatchObject({
      ...expected,
      code: 'ECONNREFUSED',
    });
  });
});

describe('probe and close', () => {
  test('a push service that was away is waited for, and found again', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    const to = sink.subscribe(vapid.publicKey);
    expect(await provider.probe()).toBe(true);
    expect(sink.requests).toEqual([]);
    await sink.stop();
    running.splice(running.indexOf(sink), 1);
    expect(await provider.send(delivery(to))).toMatchObject({
      outcome: 'held',
      reason: 'provider_unavailable',
    });
    expect(await provider.probe()).toBe(false);
    const back = await sinkOf({ port: sink.port, certificate: sink.certificate });
    expect(await provider.probe()).toBe(true);
    expect(back.taken).toEqual([]);
  });

  test('nothing goes out after close', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    const to = sink.subscribe(vapid.publicKey);
    await provider.close();
    expect(await provider.send(delivery(to))).toMatchObject({ outcome: 'held', code: 'ECLOSED' });
  });
});

test('keys that do not belong together are refused, and not told', () => {
  const { privateKey } = makeVapidKeys();
  expect(() => checkVapidKeys(vapid)).not.toThrow();
  for (const wrong of [privateKey, 'A'.repeat(43), 'AAAA', '']) {
    const check = () => checkVapidKeys({ ...vapid, privateKey: wrong });
    expect(check).toThrow('is not the private key of VAPID_PUBLIC_KEY');
  }
});
