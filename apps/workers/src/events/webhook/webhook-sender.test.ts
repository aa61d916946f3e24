import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { deliveredEvent } from '@tidings/contracts';
import { newSigningSecret } from '@tidings/runtime';
import { createResolve, type Resolve } from '@tidings/runtime/safe-dial';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../../../../test/support/certificate.ts';
import { startDnsSink } from '../../../../../test/support/dns-sink.ts';
import {
  type HttpSink,
  type HttpSinkOptions,
  type HttpSinkReply,
  type HttpSinkRequest,
  startHttpSink,
} from '../../../../../test/support/http-sink.ts';
import { until } from '../../../../../test/support/until.ts';
import type { CopySender } from '../copy-sender.ts';
import { claimedWebhook, seal } from './claimed-webhook.fixture.ts';
import { createWebhookSender } from './webhook-sender.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

const dayMs = 86_400_000;
const current = newSigningSecret();

async function sinkOf(options: HttpSinkOptions = {}): Promise<HttpSink> {
  const sink = await startHttpSink(() => ({ status: 204 }), options);
  running.push(sink);
  return sink;
}

const saying = (reply: HttpSinkReply) => sinkOf({ answer: () => reply });

type Options = Partial<Parameters<typeof createWebhookSender>[0]>;

function senderOf(options: Options = {}): CopySender {
  const sender = createWebhookSender({
    seal,
    allowedNetworks: ['127.0.0.0/8'],
    closeTimeoutMs: 100,
    random: () => 0.5,
    ...options,
  });
  running.push({ stop: sender.close });
  return sender;
}

/** A server of TCP that does with each connection what it is told. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onSocket(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  running.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** As an endpoint does that uses the library. Throws where the signature is not good. */
function verified({ body, headers }: HttpSinkRequest, secret: string): unknown {
  return new Webhook(secret).verify(body.toString(), headers as Record<string, string>);
}

describe('a request', () => {
  test('is an event, signed so that the reference library takes it', async () => {
    const sink = await sinkOf();
    const claimed = claimedWebhook(`${sink.url}/hooks?shop=1`, { current });
    expect(await senderOf().send(claimed)).toEqual({ outcome: 'delivered', code: '204', response: '' });
    const [request] = sink.requests as [HttpSinkRequest];
    expect(request).toMatchObject({
      method: 'POST',
      path: '/hooks?shop=1',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Tidings',
        'webhook-id': claimed.event.id,
        'webhook-timestamp': String(Math.floor((claimed.copy.claimedAt ?? 0) / 1000)),
      },
    });
    expect(deliveredEvent.parse(verified(request, current))).toEqual({
      type: 'order.created',
      timestamp: '2026-02-02T02:40:00.123Z',
      data: { orderId: '1042', name: 'Grüße 😀' },
      id: claimed.event.id,
      externalId: 'order-1042-created',
      source: null,
      origin: 'application',
      subject: 'user-42',
    });
    expect(() => verified(request, newSigningSecret())).toThrow('No matching signature');
  });

  test('has the same id and body at every try, and the time of its own', async () => {
    const sink = await sinkOf();
    const sender = senderOf();
    const claimed = claimedWebhook(sink.url, { current });
    const begin = Math.floor(Date.now() / 1000) * 1000;
    for (const ageMs of [9000, 5000, 0]) {
      await sender.send({ ...claimed, copy: { ...claimed.copy, claimedAt: begin - ageMs } });
    }
    for (const request of sink.requests) verified(request, current);
    const of = (name: string) => sink.requests.map(({ headers }) => headers[name]);
    expect(of('webhook-id')).toEqual([claimed.event.id, claimed.event.id, claimed.event.id]);
    expect(of('webhook-timestamp').map((seconds) => begin / 1000 - Number(seconds))).toEqual([9, 5, 0]);
    expect(new Set(sink.requests.map(({ body }) => body.toString())).size).toBe(1);
  });

  test('has the body of the others of its event, which is made once however large it is', async () => {
    const sink = await sinkOf();
    const sender = senderOf();
    let reads = 0;
    const data = {
      get orderId() {
        reads += 1;
        return '1042';
      },
    };
    const one = claimedWebhook(`${sink.url}/one`, { current }, { event: { data } });
    const another = newSigningSecret();
    const other = { ...claimedWebhook(`${sink.url}/other`, { current: another }), event: one.event };
    reads = 0;
    await sender.send(one);
    await sender.send(other);
    expect(reads).toBe(1);
    const [first, second] = sink.requests as [HttpSinkRequest, HttpSinkRequest];
    expect(verified(first, current)).toEqual(verified(second, another));
  });

  test('is signed with both secrets while one takes the place of the other, and then with the new one', async () => {
    const sink = await sinkOf();
    const sender = senderOf();
    const before = newSigningSecret();
    const at = Date.now();
    const rotating = (untilMs: number) =>
      claimedWebhook(
        sink.url,
        { current, previous: { secret: before, until: untilMs } },
        { copy: { claimedAt: at } },
      );
    await sender.send(rotating(at + 1));
    await sender.send(rotating(at));
    const [during, after] = sink.requests as [HttpSinkRequest, HttpSinkRequest];
    verified(during, current);
    verified(during, before);
    verified(after, current);
    expect(() => verified(after, before)).toThrow('No matching signature');
    expect(after.headers['webhook-signature']).toMatch(/^v1,\S+$/);
  });

  test('is not made while the secrets cannot be opened: copies wait, whatever time it takes', async () => {
    const sink = await sinkOf();
    const sealed = claimedWebhook(sink.url, { current }).subscription.sealed;
    const failingSince = Date.now() - 6 * dayMs;
    const ofAnother = claimedWebhook(
      sink.url,
      { current },
      { subscription: { sealed, failingSince, holds: 1 } },
    );
    expect(await senderOf().send(ofAnother)).toEqual({
      outcome: 'held',
      reason: 'secret_unreadable',
      delayMs: 10_000,
      response: expect.stringContaining('sealed for something else'),
    });
    const none = claimedWebhook(sink.url, { current }, { subscription: { sealed: null } });
    expect(await senderOf().send(none)).toMatchObject({ outcome: 'held', reason: 'secret_unreadable' });
    expect(sink.requests).toEqual([]);
  });
});

describe('a reply', () => {
  const failed = { outcome: 'transient', reason: 'endpoint_failed' };
  const busy = { outcome: 'held', reason: 'endpoint_busy', delayMs: 5000 };

  test.each([
    [200, { outcome: 'delivered' }],
    [202, { outcome: 'delivered' }],
    [299, { outcome: 'delivered' }],
    [300, { outcome: 'rejected', reason: 'redirected' }],
    [304, { outcome: 'rejected', reason: 'redirected' }],
    [400, failed],
    [401, failed],
    [404, failed],
    [408, failed],
    [410, { outcome: 'rejected', reason: 'endpoint_gone', disables: true }],
    [422, failed],
    [429, busy],
    [500, failed],
    [502, busy],
    [503, failed],
    [504, busy],
    [599, failed],
  ])('of %i', async (status, expected) => {
    const { url } = await saying({ status });
    const result = await senderOf().send(claimedWebhook(url, { current }));
    expect(result).toEqual({ ...expected, code: String(status), response: '' });
  });

  test('that asks for time gets it: at least five seconds, at most an hour', async () => {
    const inTwoMinutes = new Date(Math.ceil(Date.now() / 1000) * 1000 + 120_000);
    const all = [
      ['30', 30_000],
      ['0', 5000],
      ['99999999999', 3_600_000],
      ['-5', 5000],
      ['soon', 5000],
      ['', 5000],
      [new Date(0).toUTCString(), 5000],
      [new Date(Date.now() + 365 * dayMs).toUTCString(), 3_600_000],
    ] as const;
    const sender = senderOf();
    for (const [retryAfter, delayMs] of all) {
      const { url } = await saying({ status: 429, headers: { 'retry-after': retryAfter } });
      expect(await sender.send(claimedWebhook(url, { current })), retryAfter).toMatchObject({
        ...busy,
        delayMs,
      });
    }
    const { url } = await saying({ status: 504, headers: { 'retry-after': inTwoMinutes.toUTCString() } });
    const copy = { claimedAt: inTwoMinutes.getTime() - 120_000 };
    expect(await sender.send(claimedWebhook(url, { current }, { copy }))).toMatchObject({
      ...busy,
      delayMs: 120_000,
    });
  });

  test('of one that is busy again and again is waited for twice as long, up to an hour, more or less', async () => {
    const { url } = await saying({ status: 502 });
    const delayMs = async (holds: number, random: number) => {
      const claimed = claimedWebhook(url, { current }, { subscription: { holds } });
      return (await senderOf({ random: () => random }).send(claimed)) as { delayMs: number };
    };
    const all = [
      await delayMs(0, 0.5),
      await delayMs(1, 0.5),
      await delayMs(3, 0.5),
      await delayMs(2000, 0.5),
    ];
    expect(all.map((held) => held.delayMs)).toEqual([5000, 10_000, 40_000, 3_600_000]);
    expect([(await delayMs(1, 0)).delayMs, (await delayMs(1, 1)).delayMs]).toEqual([9000, 11_000]);
  });

  test('of a failure that says when to come back says so, up to a day', async () => {
    const sender = senderOf();
    const all = [
      ['120', 120_000],
      ['99999999999', dayMs],
      ['-5', undefined],
    ] as const;
    for (const [retryAfter, retryAfterMs] of all) {
      const { url } = await saying({ status: 503, headers: { 'retry-after': retryAfter } });
      const result = await sender.send(claimedWebhook(url, { current }));
      expect(result).toEqual({ ...failed, code: '503', response: '', ...(retryAfterMs && { retryAfterMs }) });
    }
  });

  test('is kept in short', async () => {
    const { url } = await saying({ status: 500, body: `out of\r\n\tstock${' '.repeat(65_536)}` });
    expect(await senderOf().send(claimedWebhook(url, { current }))).toMatchObject({
      response: 'out of stock',
    });
    const large = await saying({ status: 200, body: 'a'.repeat(65_536) });
    const result = await senderOf().send(claimedWebhook(large.url, { current }));
    expect(result).toEqual({ outcome: 'delivered', code: '200', response: 'a'.repeat(500) });
  });

  test('without end is cut, and counts by its status', async () => {
    const sink = await sinkOf({ answer: () => 'endless' });
    expect(await senderOf().send(claimedWebhook(sink.url, { current }))).toMatchObject({
      outcome: 'delivered',
    });
    await until(
      () => sink.connections.open,
      (open) => open === 0,
    );
    expect(sink.pouredBytes).toBeLessThan(10_000_000);
  });

  test('that breaks off, or does not end in time, counts by its status', async () => {
    const sink = await sinkOf({ answer: () => 'half' });
    const expected = { outcome: 'delivered', code: '200' };
    expect(await senderOf().send(claimedWebhook(sink.url, { current }))).toMatchObject(expected);
    const slow = await tcpServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun'));
    });
    const sender = senderOf({ totalTimeoutMs: 200 });
    expect(await sender.send(claimedWebhook(slow, { current }))).toMatchObject({
      ...expected,
      response: 'begun',
    });
  });

  test('that quotes what was sent in confidence is kept without it', async () => {
    const before = newSigningSecret();
    const sink = await sinkOf({
      answer: (_, { headers }) => ({
        status: 400,
        body: `${headers['webhook-signature']} ${current} ${before} ${before.slice(6)} bad`,
      }),
    });
    const secrets = { current, previous: { secret: before, until: Date.now() + 60_000 } };
    const { response } = await senderOf().send(claimedWebhook(sink.url, secrets));
    expect(response).toBe('v1,[secret] v1,[secret] whsec_[secret] whsec_[secret] [secret] bad');
  });
});

describe('without a reply', () => {
  test('a refused connection', async () => {
    const sink = await sinkOf();
    await sink.stop();
    running.splice(running.indexOf(sink), 1);
    expect(await senderOf().send(claimedWebhook(sink.url, { current }))).toMatchObject({
      outcome: 'transient',
      reason: 'connection_failed',
      code: 'ECONNREFUSED',
    });
  });

  test('a name that is not there', async () => {
    const dns = await startDnsSink({});
    running.push(dns);
    const sender = senderOf({ resolve: createResolve([dns.server]) });
    expect(await sender.send(claimedWebhook('https://hooks.test/', { current }))).toMatchObject({
      outcome: 'transient',
      reason: 'connection_failed',
      code: 'ENOTFOUND',
    });
  });

  test('silence, before TLS or after the request', async () => {
    const expected = { outcome: 'transient', reason: 'timed_out' };
    const sink = await sinkOf({ answer: () => 'silence' });
    const sender = senderOf({ connectTimeoutMs: 200, totalTimeoutMs: 200 });
    expect(await sender.send(claimedWebhook(sink.url, { current }))).toMatchObject({
      ...expected,
      code: 'ETIMEDOUT',
    });
    const mute = (await tcpServer(() => {})).replace('http:', 'https:');
    const other = senderOf({ connectTimeoutMs: 200 });
    expect(await other.send(claimedWebhook(mute, { current }))).toMatchObject(expected);
  });

  test('a connection that is lost after the request', async () => {
    const sink = await sinkOf({ answer: () => 'drop' });
    expect(await senderOf().send(claimedWebhook(sink.url, { current }))).toMatchObject({
      outcome: 'transient',
      reason: 'connection_failed',
    });
    expect(sink.requests).toHaveLength(1);
  });

  test('a certificate that is not to be trusted, and one that is', async () => {
    const certificate = makeCertificate();
    const sink = await sinkOf({ certificate });
    const claimed = claimedWebhook(sink.url, { current });
    expect(await senderOf().send(claimed)).toMatchObject({
      outcome: 'transient',
      reason: 'connection_failed',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    expect(sink.requests).toEqual([]);
    const trusting = senderOf({ tls: { ca: certificate.cert } });
    expect(await trusting.send(claimed)).toMatchObject({ outcome: 'delivered' });
  });

  test('it is nobody’s failure that we are closing', async () => {
    const sink = await sinkOf();
    const sender = senderOf();
    await sender.close();
    expect(await sender.send(claimedWebhook(sink.url, { current }))).toMatchObject({
      outcome: 'held',
      reason: 'overloaded',
    });
  });

  test('what nobody foresaw is a failure, and no end of the sender', async () => {
    const sink = await sinkOf();
    const settings = { kind: 'queue', ordered: false, maxFailures: 8 } as const;
    const claimed = claimedWebhook(sink.url, { current }, { subscription: { settings } });
    const sender = senderOf();
    expect(await sender.send(claimed)).toMatchObject({
      outcome: 'transient',
      reason: 'endpoint_failed',
      code: 'Error',
    });
    expect(await sender.send(claimedWebhook(sink.url, { current }))).toMatchObject({ outcome: 'delivered' });
  });

  test('whoever is silent takes no connection from another', async () => {
    const slow = await sinkOf({ answer: () => 'silence' });
    const quick = await sinkOf();
    const sender = senderOf();
    const waiting = Array.from({ length: 300 }, () => sender.send(claimedWebhook(slow.url, { current })));
    expect(await sender.send(claimedWebhook(quick.url, { current }))).toMatchObject({ outcome: 'delivered' });
    expect(slow.connections.most).toBeLessThanOrEqual(256);
    await sender.close();
    await Promise.all(waiting);
  });
});

describe('a URL that leads inside', () => {
  const refused = { outcome: 'rejected', reason: 'unsafe_target', code: 'EUNSAFE' };
  /** One that fails the test when it is asked. */
  const unasked: Resolve = (name) => Promise.reject(new Error(`${name} was looked up`));

  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://1２7.0.0.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00:ec2::254]/',
    'http://8.8.8.8/',
    'https://8.8.8.8:8443/',
  ])('by its address is not connected to: %s', async (url) => {
    const sender = senderOf({ allowedNetworks: [], resolve: unasked });
    expect(await sender.send(claimedWebhook(url, { current }))).toMatchObject(refused);
  });

  test('by its name is not connected to', async () => {
    const dns = await startDnsSink({ 'in.test': ['127.0.0.1'], 'both.test': ['8.8.8.8', '::1'] });
    running.push(dns);
    const sender = senderOf({ allowedNetworks: [], resolve: createResolve([dns.server]) });
    for (const name of ['in.test', 'both.test', 'localhost']) {
      expect(await sender.send(claimedWebhook(`https://${name}/`, { current }))).toMatchObject(refused);
    }
  });

  test('only since its name was looked up last is not connected to', async () => {
    // What is allowed stands for the public address that the name had at first.
    const addresses = { 'rebound.test': ['127.0.0.1'] };
    const dns = await startDnsSink(addresses);
    running.push(dns);
    const sink = await sinkOf();
    const claimed = claimedWebhook(`http://rebound.test:${sink.port}/`, { current });
    const resolve = createResolve([dns.server]);
    expect(await senderOf({ resolve }).send(claimed)).toMatchObject({ outcome: 'delivered' });
    // Once, and not again between check and use.
    expect(dns.asked.toSorted()).toEqual(['A rebound.test', 'AAAA rebound.test']);
    addresses['rebound.test'] = ['10.0.0.1'];
    expect(await senderOf({ resolve }).send(claimed)).toMatchObject(refused);
    expect([dns.asked.length, sink.requests.length]).toEqual([4, 1]);
  });

  test.each([301, 302, 303, 307, 308])('by a redirect of %i is not followed', async (status) => {
    const inside = await sinkOf();
    for (const location of [`${inside.url}/latest/meta-data/`, 'http://169.254.169.254/latest/meta-data/']) {
      const { url } = await saying({ status, headers: { location } });
      const resolve = unasked;
      expect(await senderOf({ resolve }).send(claimedWebhook(url, { current }))).toMatchObject({
        outcome: 'rejected',
        reason: 'redirected',
        code: String(status),
      });
    }
    expect(inside.connections.total).toBe(0);
  });
});

describe('the schedule', () => {
  const claimed = claimedWebhook('https://hooks.test/', { current });
  const delays = (random: number) => {
    const sender = senderOf({ random: () => random });
    return Array.from({ length: 10 }, (_, index) => sender.nextDelayMs(claimed, index + 1));
  };
  const minutes = [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440];

  test('is ten tries within about three days, each a tenth earlier or later', () => {
    expect(delays(0.5)).toEqual([...minutes.map((of) => of * 60_000), undefined]);
    expect(delays(0)).toEqual([...minutes.map((of) => of * 54_000), undefined]);
    expect(delays(1)).toEqual([...minutes.map((of) => of * 66_000), undefined]);
  });
});

describe('an endpoint of which nothing but failures came for days', () => {
  const at = Date.now();
  const failingFor = (url: string, ms: number) =>
    claimedWebhook(url, { current }, { copy: { claimedAt: at }, subscription: { failingSince: at - ms } });

  test.each([
    [500, 'transient'],
    [429, 'held'],
    [302, 'rejected'],
  ])('is given up with the next, a %i, not before', async (status, outcome) => {
    const { url } = await saying({ status });
    const sender = senderOf();
    expect(await sender.send(failingFor(url, 5 * dayMs))).not.toHaveProperty('disables');
    expect(await sender.send(failingFor(url, 5 * dayMs + 1))).toMatchObject({ outcome, disables: true });
  });

  test('and is well again is not given up', async () => {
    const { url } = await saying({ status: 200 });
    expect(await senderOf().send(failingFor(url, 9 * dayMs))).toEqual({
      outcome: 'delivered',
      code: '200',
      response: '',
    });
  });
});
