import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { startFcmSink } from '../support/fcm-sink.ts';
import type { HttpSinkOptions } from '../support/http-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { makeVapidKeys, startWebPushSink, type WebPushSink } from '../support/web-push-sink.ts';

const certificate = makeCertificate();
const usual = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...usual, certificate.cert]));
afterAll(() => setDefaultCACertificates(usual));

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const { publicKey, privateKey } = makeVapidKeys();
const content = { push: { title: 'Order {{ order }}', body: 'On its way' } };
const data = { order: 'A-17' };

interface WebPushTidings extends TestTidings {
  sink: WebPushSink;
}

/** Tidings before a push service, with recipient `ada` and a browser of hers. */
async function start(
  answer?: HttpSinkOptions['answer'],
  env: Record<string, string> = {},
): Promise<WebPushTidings & { endpoint: string }> {
  const dir = tempDir();
  cleanUp.push(dir.remove);
  const sink = await startWebPushSink({ certificate, ...(answer && { answer }) });
  cleanUp.push(sink.stop);
  const running = await startTidings({
    dataDir: dir.path,
    env: {
      VAPID_PUBLIC_KEY: publicKey,
      VAPID_PRIVATE_KEY: privateKey,
      VAPID_SUBJECT: 'mailto:push@acme.example',
      OUTBOUND_ALLOWED_NETWORKS: '127.0.0.0/8',
      ...env,
    },
  });
  cleanUp.push(running.stop);
  await running.tidings.recipients.upsert.mutate({ externalId: 'ada' });
  const subscription = sink.subscribe(publicKey);
  await running.tidings.devices.register.mutate({ recipientId: 'ada', platform: 'webpush', subscription });
  return { ...running, sink, endpoint: subscription.endpoint };
}

async function sendToAda({ tidings }: TestTidings, more: object = {}): Promise<string[]> {
  const to = { recipientId: 'ada' };
  const { messages } = await tidings.notifications.send.mutate({ to, content, data, ...more });
  return messages.map(({ id }) => id);
}

async function isDeactivated({ tidings }: TestTidings): Promise<boolean> {
  const { devices } = await tidings.recipients.get.query({ recipientId: 'ada' });
  return devices[0]?.deactivatedAt !== null;
}

describe('a push by Web Push', () => {
  test('is read by the browser that was registered, with the keys it has now', async () => {
    const running = await start();
    const { tidings, sink } = running;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const [id = ''] = await sendToAda(running, { lane: 'high', expiresAt });
    expect(await ended(tidings, id)).toMatchObject({
      status: 'sent',
      attempts: [{ outcome: 'sent', provider: 'web-push', code: '201' }],
    });
    expect(sink.taken).toMatchObject([
      {
        endpoint: running.endpoint,
        payload: { title: 'Order A-17', body: 'On its way', tag: id, messageId: id },
        topic: id.replace('msg_', ''),
        urgency: 'high',
      },
    ]);
    expect(sink.taken[0]?.ttlS).toBeGreaterThan(3_000);
    expect(sink.taken[0]?.ttlS).toBeLessThanOrEqual(3_600);
  });

  test('goes beside FCM, each to its platform', async () => {
    const fcm = await startFcmSink();
    cleanUp.push(fcm.stop);
    const running = await start(undefined, {
      FCM_SERVICE_ACCOUNT: JSON.stringify(fcm.account),
      FCM_BASE_URL: fcm.url,
      FCM_TOKEN_URL: fcm.tokens.url,
    });
    await running.tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'phone' });
    const ids = await sendToAda(running);
    const all = await Promise.all(ids.map((id) => ended(running.tidings, id)));
    const told = all.map(({ status, attempts }) => [status, attempts[0]?.provider]);
    expect(told.toSorted()).toEqual([
      ['sent', 'fcm'],
      ['sent', 'web-push'],
    ]);
    expect([fcm.taken.length, running.sink.taken.length]).toEqual([1, 1]);
  });

  test('to a subscription that is gone bounces, and the device is deactivated', async () => {
    const running = await start();
    running.sink.unsubscribe(running.endpoint);
    const [id = ''] = await sendToAda(running);
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'bounced', reason: 'invalid_address' });
    expect(await isDeactivated(running)).toBe(true);
  });

  test('not found is tried again, though something else failed before; for the third time it bounces', async () => {
    const notFound = { status: 404, headers: { 'retry-after': '0' } };
    const failures = [{ status: 503, headers: { 'retry-after': '0' } }, notFound];
    const recovering = await start((count) => failures[count - 1]);
    const [found = ''] = await sendToAda(recovering);
    expect(await ended(recovering.tidings, found)).toMatchObject({ status: 'sent', failures: 2 });
    expect(await isDeactivated(recovering)).toBe(false);
    const always = await start(() => notFound);
    const [lost = ''] = await sendToAda(always);
    expect(await ended(always.tidings, lost)).toMatchObject({ status: 'bounced', failures: 3 });
    expect(always.sink.requests).toHaveLength(3);
    expect(await isDeactivated(always)).toBe(true);
  });

  test('to an address within the own network is sent to nobody, and the device stays', async () => {
    const running = await start(undefined, { OUTBOUND_ALLOWED_NETWORKS: '' });
    const [id = ''] = await sendToAda(running);
    expect(await ended(running.tidings, id)).toMatchObject({
      status: 'failed',
      reason: 'invalid_address',
      attempts: [{ code: 'EUNSAFE' }],
    });
    expect(running.sink.connections.total).toBe(0);
    expect(await isDeactivated(running)).toBe(false);
  });
});
