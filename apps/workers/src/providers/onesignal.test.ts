import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificate.ts';
import type { HttpSinkAnswer } from '../../../../test/support/http-sink.ts';
import { type OneSignalSink, startOneSignalSink } from '../../../../test/support/onesignal-sink.ts';
import { createOneSignalProvider } from './onesignal.ts';
import type { Delivery, Provider, RenderedPush } from './provider.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

const now = Date.now();

async function sinkOf(options: Parameters<typeof startOneSignalSink>[0] = {}): Promise<OneSignalSink> {
  const sink = await startOneSignalSink(options);
  running.push(sink);
  return sink;
}

type Options = Partial<Parameters<typeof createOneSignalProvider>[0]>;

function providerFor(sink: OneSignalSink, options: Options = {}): Provider<RenderedPush> {
  const provider = createOneSignalProvider({
    appId: sink.appId,
    apiKey: sink.apiKey,
    baseUrl: sink.url,
    closeTimeoutMs: 100,
    now: () => now,
    ...options,
  });
  running.push({ stop: provider.close });
  return provider;
}

const messageId = (number: number) => `msg_019a0c2f3b7d7c3e8f10${String(number).padStart(12, '0')}`;

function delivery(address: string, more: Partial<Delivery<RenderedPush>> = {}): Delivery<RenderedPush> {
  return {
    messageId: messageId(1),
    address,
    platform: 'onesignal',
    toName: null,
    date: 1_770_000_000_000,
    content: { channel: 'push', title: 'Hi 😀', body: 'Grüße\nline two' },
    ...more,
  };
}

const misconfigured = { outcome: 'held', reason: 'provider_configuration' };
const unavailable = { outcome: 'held', reason: 'provider_unavailable' };

describe('a message', () => {
  test('is one request, and sent once OneSignal has named it', async () => {
    const sink = await sinkOf();
    const address = sink.subscribe();
    const content = {
      channel: 'push',
      title: 'Hi 😀',
      body: 'Grüße\nline two',
      url: 'https://acme.example/orders/1',
      data: { order: '1' },
    } as const;
    const more = { content, lane: 'critical', expiresAt: now + 90_500 } as const;
    expect(await providerFor(sink).send(delivery(address, more))).toMatchObject({
      outcome: 'sent',
      code: '200',
      providerMessageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(sink.taken).toEqual([
      {
        app_id: sink.appId,
        target_channel: 'push',
        include_subscription_ids: [address],
        headings: { en: 'Hi 😀' },
        contents: { en: 'Grüße\nline two' },
        url: 'https://acme.example/orders/1',
        data: { order: '1', tidingsMessageId: messageId(1) },
        // It must never change: a copy under another key would be a second message.
        idempotency_key: 'd3a3b0fc-66d1-5dc0-a7f0-9734e31f3ab6',
        collapse_id: messageId(1),
        ttl: 90,
        priority: 10,
      },
    ]);
  });

  test('is as urgent as its lane, and of use for 28 days at most', async () => {
    const sink = await sinkOf();
    const address = sink.subscribe();
    const provider = providerFor(sink);
    const all = [
      { lane: 'high', expiresAt: now - 1 },
      { lane: 'normal', expiresAt: now + 365 * 86_400_000 },
      { lane: 'bulk' },
    ] as const;
    for (const [number, more] of all.entries()) {
      const result = await provider.send(delivery(address, { ...more, messageId: messageId(number) }));
      expect(result).toMatchObject({ outcome: 'sent' });
    }
    expect(sink.taken.map(({ priority, ttl }) => [priority, ttl])).toEqual([
      [10, 0],
      [undefined, 2_419_200],
      [5, undefined],
    ]);
  });

  test('that was sent with its answer lost is sent once, however often it is tried', async () => {
    const sink = await sinkOf();
    const address = sink.subscribe();
    const provider = providerFor(sink);
    const results = [];
    for (let copy = 0; copy < 3; copy += 1) results.push(await provider.send(delivery(address)));
    expect(sink.requests).toHaveLength(3);
    expect(sink.taken).toHaveLength(1);
    expect(new Set(results.map(({ providerMessageId }) => providerMessageId)).size).toBe(1);
    await provider.send(delivery(address, { messageId: messageId(2) }));
    expect(sink.taken).toHaveLength(2);
  });

  test('to a subscription that is unknown bounces, to one that is turned off is rejected', async () => {
    const sink = await sinkOf();
    const off = sink.subscribe();
    sink.turnOff(off);
    const provider = providerFor(sink);
    expect(await provider.send(delivery(randomUUID()))).toMatchObject({
      outcome: 'bounced',
      reason: 'invalid_address',
    });
    expect(await provider.send(delivery(off, { messageId: messageId(2) }))).toMatchObject({
      outcome: 'rejected',
      response: 'All included players are not subscribed',
    });
    expect(sink.taken).toEqual([]);
  });
});

describe('when it does not work', () => {
  test.each<[answer: HttpSinkAnswer, expected: object]>([
    [{ status: 500 }, { outcome: 'transient', reason: 'provider_transient' }],
    ['drop', { outcome: 'transient', reason: 'connection_lost' }],
    ['silence', { outcome: 'transient', reason: 'connection_lost', code: 'ETIMEDOUT' }],
    ['half', { outcome: 'transient', reason: 'provider_transient' }],
    ['endless', { outcome: 'transient', reason: 'provider_transient' }],
    [
      { status: 429, headers: { 'retry-after': '3' } },
      { ...unavailable, retryAfterMs: 3000 },
    ],
    [{ status: 307, headers: { location: 'http://169.254.169.254/' } }, misconfigured],
  ])('%j is a result, and the next try makes one message', async (answer, expected) => {
    const sink = await sinkOf({ answer: (count) => (count === 1 ? answer : undefined) });
    const address = sink.subscribe();
    const provider = providerFor(sink, { replyTimeoutMs: 200, totalTimeoutMs: 1000 });
    expect(await provider.send(delivery(address))).toMatchObject(expected);
    expect(await provider.send(delivery(address))).toMatchObject({ outcome: 'sent' });
    expect(sink.taken).toHaveLength(1);
  });

  test('OneSignal out of reach, or with a certificate nobody trusts, holds', async () => {
    const sink = await sinkOf({ certificate: makeCertificate() });
    expect(await providerFor(sink).send(delivery(sink.subscribe()))).toMatchObject(misconfigured);
    const gone = providerFor(sink, { baseUrl: 'http://127.0.0.1:1' });
    expect(await gone.send(delivery(sink.subscribe()))).toMatchObject({
      ...unavailable,
      code: 'ECONNREFUSED',
    });
    expect(await gone.probe()).toBe(false);
  });

  test('another app or key holds, and the key is not told', async () => {
    const sink = await sinkOf();
    const address = sink.subscribe();
    expect(await providerFor(sink, { appId: randomUUID() }).send(delivery(address))).toMatchObject(
      misconfigured,
    );
    expect(await providerFor(sink, { apiKey: 'other' }).send(delivery(address))).toMatchObject(misconfigured);
    const curious = await sinkOf({
      answer: (_, { headers }) => ({ status: 403, body: `What is ${headers.authorization}?` }),
    });
    const result = await providerFor(curious).send(delivery(address));
    expect(result).toMatchObject({ ...misconfigured, response: 'What is Key [secret]?' });
  });
});

describe('probe and close', () => {
  test('a probe asks whether the key is good for the app, and sends nothing', async () => {
    const sink = await sinkOf();
    expect(await providerFor(sink).probe()).toBe(true);
    expect(await providerFor(sink, { apiKey: 'other' }).probe()).toBe(false);
    expect(await providerFor(sink, { appId: randomUUID() }).probe()).toBe(false);
    expect(sink.taken).toEqual([]);
  });

  test('a gateway with a path of its own is reached by it', async () => {
    const sink = await sinkOf();
    await providerFor(sink, { baseUrl: `${sink.url}/api/v1/` }).send(delivery(sink.subscribe()));
    expect(sink.requests[0]?.path).toBe('/api/v1/notifications');
  });

  test('nothing goes out after close', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    await provider.close();
    expect(await provider.send(delivery(sink.subscribe()))).toMatchObject({
      ...unavailable,
      code: 'ECLOSED',
    });
  });

  test('an unreadable base URL is refused at once', async () => {
    const sink = await sinkOf();
    expect(() => providerFor(sink, { baseUrl: 'onesignal' })).toThrow();
  });
});
