import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type FcmAnswer,
  type FcmSink,
  type FcmSinkOptions,
  startFcmSink,
} from '../../../../test/support/fcm-sink.ts';
import { makeServiceAccount } from '../../../../test/support/service-account.ts';
import { startTokenEndpoint } from '../../../../test/support/token-endpoint.ts';
import { startToxicProxy } from '../../../../test/support/toxic-proxy.ts';
import { until } from '../../../../test/support/until.ts';
import { createFcmProvider } from './fcm.ts';
import { createAccessTokens } from './fcm-access-tokens.ts';
import type { Delivery, Provider, RenderedPush } from './provider.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  // Last started, first stopped: providers before the servers they talk to.
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function sinkOf(options: FcmSinkOptions = {}): Promise<FcmSink> {
  const sink = await startFcmSink(options);
  running.push(sink);
  return sink;
}

type ProviderOptions = Partial<Parameters<typeof createFcmProvider>[0]>;

function providerFor(sink: FcmSink, options: ProviderOptions = {}): Provider<RenderedPush> {
  const provider = createFcmProvider({
    projectId: sink.account.project_id,
    baseUrl: sink.url,
    tokens: createAccessTokens({ account: sink.account, url: sink.tokens.url }),
    closeTimeoutMs: 100,
    ...options,
  });
  running.push({ stop: provider.close });
  return provider;
}

/** The URL of a server that takes connections and says nothing. */
async function silentServer(): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  running.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

const messageId = (number: number) => `msg_019a0c2f3b7d7c3e8f10${String(number).padStart(12, '0')}`;

function delivery(number = 1): Delivery<RenderedPush> {
  return {
    messageId: messageId(number),
    address: `token-${number}`,
    platform: 'fcm',
    toName: null,
    date: 1_770_000_000_000,
    content: { channel: 'push', title: 'Hi 😀', body: 'Grüße\nline two' },
  };
}

const sendMany = (provider: Provider<RenderedPush>, count: number) =>
  Promise.all(Array.from({ length: count }, (_, number) => provider.send(delivery(number))));
const outcomesOf = (results: { outcome: string }[]) => [...new Set(results.map(({ outcome }) => outcome))];
const tokensOf = (sink: FcmSink) => sink.taken.map(({ token }) => token).toSorted();
const tokensUpTo = (count: number) =>
  Array.from({ length: count }, (_, number) => `token-${number}`).toSorted();

const unavailable = { outcome: 'held', reason: 'provider_unavailable' };
const misconfigured = { outcome: 'held', reason: 'provider_configuration' };
const ambiguous = { outcome: 'ambiguous', reason: 'connection_lost' };
const bounced = { outcome: 'bounced', reason: 'invalid_address' };
const transient = { outcome: 'transient', reason: 'provider_transient' };

describe('a message', () => {
  test.each([
    ['https://acme.example/1', { fcm_options: { link: 'https://acme.example/1' } }],
    ['acme://orders/1', {}],
  ])('opens %s, and brings the app its data', async (url, inBrowsers) => {
    const sink = await sinkOf();
    const content = { ...delivery().content, url, data: { order: '1' } };
    expect(await providerFor(sink).send({ ...delivery(), content })).toMatchObject({ outcome: 'sent' });
    const [message] = sink.requests.map(({ body }) => (body as { message: Record<string, unknown> }).message);
    expect(message?.data).toEqual({ url, order: '1', tidingsMessageId: messageId(1) });
    expect(message?.webpush).toEqual({
      headers: { Topic: '019a0c2f3b7d7c3e8f10000000000001' },
      notification: { tag: messageId(1) },
      ...inBrowsers,
    });
  });

  test('is one request of the v1 form, and sent once FCM has named it', async () => {
    const sink = await sinkOf();
    expect(await providerFor(sink).send(delivery())).toEqual({
      outcome: 'sent',
      code: '200',
      response: 'projects/tidings-test/messages/1',
    });
    expect(sink.requests.map(({ body }) => body)).toEqual([
      {
        message: {
          token: 'token-1',
          notification: { title: 'Hi 😀', body: 'Grüße\nline two' },
          data: { tidingsMessageId: messageId(1) },
          android: { notification: { tag: messageId(1) } },
          apns: { headers: { 'apns-collapse-id': messageId(1) } },
          webpush: {
            headers: { Topic: '019a0c2f3b7d7c3e8f10000000000001' },
            notification: { tag: messageId(1) },
          },
        },
      },
    ]);
    expect(sink.requests[0]?.headers).toMatchObject({
      ':path': '/v1/projects/tidings-test/messages:send',
      'content-type': 'application/json',
      authorization: `Bearer ${sink.tokens.issued[0]}`,
    });
  });

  test('every copy of it is the same to the octet', async () => {
    const sink = await sinkOf();
    for (const provider of [providerFor(sink), providerFor(sink)]) await provider.send(delivery());
    expect(sink.requests).toHaveLength(2);
    expect(sink.requests[1]?.raw).toBe(sink.requests[0]?.raw);
  });

  test('a base URL may have a path', async () => {
    const sink = await sinkOf();
    await providerFor(sink, { baseUrl: `${sink.url}/gateway/` }).send(delivery());
    expect(sink.requests[0]?.headers[':path']).toBe('/gateway/v1/projects/tidings-test/messages:send');
  });

  test('over TLS, by HTTP/2, and not to a server whose certificate is not trusted', async () => {
    const sink = await sinkOf({ tls: true });
    const trusting = providerFor(sink, { tls: { rejectUnauthorized: false } });
    expect(await trusting.send(delivery())).toMatchObject({ outcome: 'sent' });
    expect(await providerFor(sink).send(delivery())).toMatchObject(unavailable);
    expect(sink.requests).toHaveLength(1);
  });
});

describe('what an attempt comes to', () => {
  test.each<[what: string, answer: FcmAnswer, expected: object]>([
    [
      '400',
      { status: 400, errorCode: 'INVALID_ARGUMENT' },
      { outcome: 'rejected', code: '400 INVALID_ARGUMENT' },
    ],
    [
      '404 UNREGISTERED',
      { status: 404, errorCode: 'UNREGISTERED' },
      { ...bounced, code: '404 UNREGISTERED' },
    ],
    ['404 of a wrong project', { status: 404, errorStatus: 'NOT_FOUND' }, misconfigured],
    ['403 SENDER_ID_MISMATCH', { status: 403, errorCode: 'SENDER_ID_MISMATCH' }, bounced],
    ['403', { status: 403, errorStatus: 'PERMISSION_DENIED' }, misconfigured],
    ['429', { status: 429, errorCode: 'QUOTA_EXCEEDED' }, { ...unavailable, retryAfterMs: 60_000 }],
    ['429, 7 s', { status: 429, headers: { 'retry-after': '7' } }, { ...unavailable, retryAfterMs: 7000 }],
    ['500', { status: 500, errorCode: 'INTERNAL' }, { ...transient, response: 'The sink says 500' }],
    ['503, 2 s', { status: 503, headers: { 'retry-after': '2' } }, { ...transient, retryAfterMs: 2000 }],
    [
      '503 with garbage',
      { status: 503, body: '\u0000<html>' },
      { ...transient, code: '503', response: '<html>' },
    ],
    ['200 without a name', { status: 200, body: 'ok' }, { outcome: 'sent', response: 'ok' }],
    ['200, then reset', 'reset after 200', { outcome: 'sent', code: '200' }],
    ['reset after the body', 'reset', ambiguous],
    ['dropped after the body', 'drop', ambiguous],
    ['refused each time', 'refuse', unavailable],
    ['a GOAWAY with an error', 'goaway with an error', ambiguous],
    [
      'APNs refuses the project',
      { status: 401, errorCode: 'THIRD_PARTY_AUTH_ERROR' },
      { outcome: 'transient', reason: 'provider_configuration' },
    ],
  ])('%s', async (_what, answer, expected) => {
    const sink = await sinkOf({ answer: () => answer });
    expect(await providerFor(sink).send(delivery())).toMatchObject(expected);
    expect(sink.requests).toHaveLength(answer === 'refuse' ? 3 : 1);
  });

  test('no answer in time is ambiguous', async () => {
    const sink = await sinkOf({ answer: () => 'silence' });
    const provider = providerFor(sink, { requestTimeoutMs: 200 });
    expect(await provider.send(delivery())).toMatchObject({ ...ambiguous, code: 'ETIMEDOUT' });
  });

  test('what never left, for the server takes no body, is held', async () => {
    const sink = await sinkOf({ initialWindowSize: 0 });
    const provider = providerFor(sink, { requestTimeoutMs: 200 });
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: 'ETIMEDOUT' });
    expect(sink.requests).toEqual([]);
  });

  test('a server that allows no streams holds', async () => {
    const sink = await sinkOf({ maxConcurrentStreams: 0 });
    const provider = providerFor(sink, { requestTimeoutMs: 200 });
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: 'ETIMEDOUT' });
    expect(sink.streams.most).toBe(0);
  });

  test('a redirect is not followed', async () => {
    const elsewhere = await sinkOf();
    const location = `${elsewhere.url}/v1/projects/tidings-test/messages:send`;
    const sink = await sinkOf({ answer: () => ({ status: 307, headers: { location } }) });
    expect(await providerFor(sink).send(delivery())).toMatchObject({ ...misconfigured, code: '307 UNKNOWN' });
    expect(elsewhere.sessions.total).toBe(0);
  });

  test('of a body without end a little is read', async () => {
    const sink = await sinkOf({ answer: (count) => (count === 1 ? 'endless' : undefined) });
    const provider = providerFor(sink);
    const { outcome, response = '' } = await provider.send(delivery(1));
    expect([outcome, response.length]).toEqual(['sent', 0]);
    expect(sink.pouredBytes).toBeLessThan(1024 * 1024);
    expect(await provider.send(delivery(2))).toMatchObject({ outcome: 'sent', code: '200' });
    expect(sink.sessions.total).toBe(1);
  });
});

describe('the access token', () => {
  test('one is fetched for 100 sends at once, also of two providers', async () => {
    const sink = await sinkOf();
    const tokens = createAccessTokens({ account: sink.account, url: sink.tokens.url });
    const providers = [providerFor(sink, { tokens }), providerFor(sink, { tokens })];
    const results = await Promise.all(providers.map((provider) => sendMany(provider, 50)));
    expect(outcomesOf(results.flat())).toEqual(['sent']);
    expect(sink.tokens.requests).toBe(1);
    expect(sink.sessions.total).toBe(2);
  });

  test('when it is refused all get one new one, and each message is sent once more', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    await provider.send(delivery(100));
    sink.tokens.revokeAll();
    expect(outcomesOf(await sendMany(provider, 30))).toEqual(['sent']);
    expect(sink.tokens.requests).toBe(2);
    expect(sink.taken).toHaveLength(31);
    expect(sink.requests).toHaveLength(61);
  });

  test('when the new one is refused too, it is a fault of the configuration', async () => {
    const sink = await sinkOf({ answer: () => ({ status: 401, errorStatus: 'UNAUTHENTICATED' }) });
    expect(await providerFor(sink).send(delivery())).toMatchObject({
      ...misconfigured,
      code: '401 UNAUTHENTICATED',
    });
    expect([sink.requests.length, sink.tokens.requests]).toEqual([2, 2]);
  });

  test('none is asked for when APNs refuses the project: no other would help', async () => {
    const sink = await sinkOf({ answer: () => ({ status: 401, errorCode: 'THIRD_PARTY_AUTH_ERROR' }) });
    const provider = providerFor(sink);
    await sendMany(provider, 3);
    expect(sink.tokens.requests).toBe(1);
  });

  test('without one nothing is sent', async () => {
    const sink = await sinkOf({
      tokenAnswer: (count) =>
        count === 1 ? { status: 503 } : { status: 400, body: '{"error":"invalid_grant"}' },
    });
    const provider = providerFor(sink);
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: '503' });
    expect(await provider.send(delivery())).toMatchObject({ ...misconfigured, code: '400 invalid_grant' });
    expect(sink.sessions.total).toBe(0);
  });

  test('no secret is in a result, even when the servers quote what they were sent', async () => {
    const sink = await sinkOf({
      answer: (_count, { headers }) => ({ status: 400, body: `You said ${headers.authorization}` }),
    });
    const result = await providerFor(sink).send(delivery());
    expect(result.response).toBe('You said Bearer [access token]');
    const refusing = await sinkOf({ tokenAnswer: () => ({ status: 400, body: sink.account.private_key }) });
    const account = { ...refusing.account, client_email: 'eve@example.com' };
    const tokens = createAccessTokens({ account, url: sink.tokens.url });
    const refused = await providerFor(sink, { tokens }).send(delivery());
    expect(refused).toMatchObject(misconfigured);
    const told = JSON.stringify([result, refused]);
    for (const secret of [...sink.tokens.issued, ...sink.tokens.assertions, 'PRIVATE KEY']) {
      expect(told).not.toContain(secret);
    }
  });
});

describe('the connection', () => {
  test('40 messages are under way at once on one session', async () => {
    const all = Promise.withResolvers<FcmAnswer>();
    const sink = await sinkOf({
      answer: (count) => {
        if (count === 40) all.resolve(undefined);
        return all.promise;
      },
    });
    expect(outcomesOf(await sendMany(providerFor(sink), 40))).toEqual(['sent']);
    expect(sink.streams.most).toBe(40);
    expect(sink.sessions.total).toBe(1);
    expect(tokensOf(sink)).toEqual(tokensUpTo(40));
  });

  test('the server’s limit of streams is kept, and what is beyond it waits its turn', async () => {
    const sink = await sinkOf({
      maxConcurrentStreams: 5,
      answer: async () => void (await new Promise((resolve) => setImmediate(resolve))),
    });
    expect(outcomesOf(await sendMany(providerFor(sink), 50))).toEqual(['sent']);
    expect(sink.streams.most).toBe(5);
    expect(sink.requests).toHaveLength(50);
    expect(tokensOf(sink)).toEqual(tokensUpTo(50));
  });

  test('a GOAWAY in the middle loses nothing and doubles nothing', async () => {
    const sink = await sinkOf({
      maxConcurrentStreams: 20,
      answer: (count) => (count % 17 === 0 ? 'goaway' : undefined),
    });
    expect(outcomesOf(await sendMany(providerFor(sink), 100))).toEqual(['sent']);
    expect(tokensOf(sink)).toEqual(tokensUpTo(100));
    expect(sink.sessions.total).toBeGreaterThan(3);
  });

  test('a GOAWAY with an error leaves in doubt only what the server had begun', async () => {
    const third = Promise.withResolvers<FcmAnswer>();
    const sink = await sinkOf({
      answer: (count) => {
        if (count === 3) return 'goaway with an error';
        return count < 3 ? third.promise : undefined;
      },
    });
    const results = await sendMany(providerFor(sink), 10);
    third.resolve(undefined);
    expect(results.map(({ outcome }) => outcome)).toEqual([
      ...Array(3).fill('ambiguous'),
      ...Array(7).fill('sent'),
    ]);
    expect(tokensOf(sink)).toEqual(tokensUpTo(10).slice(3));
  });

  test('a GOAWAY between messages is not noticed', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    for (const number of [1, 2, 3]) {
      expect(await provider.send(delivery(number))).toMatchObject({ outcome: 'sent' });
      sink.goAway();
      await until(
        () => sink.sessions.open,
        (open) => open === 0,
      );
    }
    expect([sink.requests.length, sink.sessions.total]).toEqual([3, 3]);
  });

  test('a server that is gone holds, and is found again when it is back', async () => {
    const of = makeServiceAccount();
    const tokens = await startTokenEndpoint({ of });
    running.push(tokens);
    const sink = await startFcmSink({ of, tokens });
    const provider = providerFor(sink);
    expect(await provider.send(delivery(1))).toMatchObject({ outcome: 'sent' });
    await sink.stop();
    await until(
      () => provider.send(delivery(2)),
      (result) => result.code === 'ECONNREFUSED' && result.outcome === 'held',
    );
    expect(await provider.probe()).toBe(false);
    const back = await sinkOf({ of, tokens, port: sink.port });
    expect(await provider.probe()).toBe(true);
    expect(back.requests).toEqual([]);
    expect(outcomesOf(await sendMany(provider, 10))).toEqual(['sent']);
    expect(tokensOf(back)).toEqual(tokensUpTo(10));
  });

  test('dropped with many under way: those are in doubt, the next ones go out', async () => {
    const sink = await sinkOf({ answer: (count) => (count <= 10 ? 'silence' : undefined) });
    const provider = providerFor(sink);
    const sending = sendMany(provider, 10);
    await until(
      () => sink.requests.length,
      (count) => count === 10,
    );
    sink.dropAll();
    expect(outcomesOf(await sending)).toEqual(['ambiguous']);
    expect(await provider.send(delivery(11))).toMatchObject({ outcome: 'sent' });
  });

  test('a network that died in silence is noticed before the next message is risked', async () => {
    const sink = await sinkOf();
    const relay = await startToxicProxy(sink.port);
    running.push(relay);
    const provider = providerFor(sink, {
      baseUrl: `http://127.0.0.1:${relay.port}`,
      checkAfterSilenceMs: 0,
      pingTimeoutMs: 300,
    });
    expect(outcomesOf([await provider.send(delivery(1)), await provider.send(delivery(2))])).toEqual([
      'sent',
    ]);
    expect(sink.sessions.total).toBe(1);
    relay.freeze();
    expect(await provider.send(delivery(3))).toMatchObject({ outcome: 'sent' });
    expect(sink.sessions.total).toBe(2);
    relay.freeze();
    expect(await provider.probe()).toBe(true);
    expect(sink.taken).toHaveLength(3);
  });

  test.each(['http', 'https'])('a server that does not speak %s with HTTP/2 holds', async (scheme) => {
    const sink = await sinkOf();
    const baseUrl = sink.tokens.url.replace('http', scheme);
    const provider = providerFor(sink, { baseUrl, connectTimeoutMs: 500 });
    expect(await provider.send(delivery())).toMatchObject(unavailable);
    expect(await provider.probe()).toBe(false);
  });

  test('a server that takes the connection and says nothing holds', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink, { baseUrl: await silentServer(), connectTimeoutMs: 200 });
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: 'ETIMEDOUT' });
  });
});

describe('probe and close', () => {
  test('a probe says whether a push could be sent, and sends none', async () => {
    const sink = await sinkOf({ tokenAnswer: (count) => (count === 1 ? { status: 500 } : undefined) });
    const provider = providerFor(sink);
    expect(await provider.probe()).toBe(false);
    expect(await provider.probe()).toBe(true);
    expect(sink.requests).toEqual([]);
  });

  test('close waits for what is being sent, and nothing goes out afterwards', async () => {
    const gate = Promise.withResolvers<FcmAnswer>();
    const sink = await sinkOf({ answer: () => gate.promise, maxConcurrentStreams: 1 });
    const provider = providerFor(sink, { closeTimeoutMs: 5000 });
    const sending = [provider.send(delivery(1)), provider.send(delivery(2))];
    await until(
      () => sink.requests.length,
      (count) => count === 1,
    );
    const closing = provider.close();
    expect(await sending[1]).toMatchObject({ ...unavailable, code: 'ECLOSED' });
    gate.resolve(undefined);
    expect(await sending[0]).toMatchObject({ outcome: 'sent' });
    await closing;
    expect(await provider.send(delivery(3))).toMatchObject(unavailable);
    expect(sink.requests).toHaveLength(1);
  });

  test('close does not wait for ever', async () => {
    const sink = await sinkOf({ answer: () => 'silence' });
    const provider = providerFor(sink, { closeTimeoutMs: 50 });
    const sending = provider.send(delivery());
    await until(
      () => sink.requests.length,
      (count) => count === 1,
    );
    await provider.close();
    expect(await sending).toMatchObject(ambiguous);
  });

  test('close ends a connection that is still being made', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink, { baseUrl: await silentServer(), closeTimeoutMs: 50 });
    const probing = provider.probe();
    await provider.close();
    expect(await probing).toBe(false);
  });

  test('an unreadable base URL is refused at once', async () => {
    const sink = await sinkOf();
    expect(() => providerFor(sink, { baseUrl: 'fcm' })).toThrow();
  });
});
