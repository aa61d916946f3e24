import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FcmSink, type FcmSinkOptions, startFcmSink } from '../support/fcm-sink.ts';
import { makeServiceAccount } from '../support/service-account.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

let dataDir: string;
beforeEach(() => {
  const dir = tempDir();
  dataDir = dir.path;
  cleanUp.push(dir.remove);
});

interface PushTidings extends TestTidings {
  sink: FcmSink;
}

/** Tidings before a sink, with recipient `ada` and her two devices. */
async function start(options: FcmSinkOptions = {}): Promise<PushTidings> {
  const sink = await startFcmSink(options);
  cleanUp.push(sink.stop);
  const env = {
    FCM_SERVICE_ACCOUNT: JSON.stringify(sink.account),
    FCM_BASE_URL: sink.url,
    FCM_TOKEN_URL: sink.tokens.url,
  };
  const running = await startTidings({ dataDir, env });
  cleanUp.push(running.stop);
  await running.tidings.recipients.upsert.mutate({ externalId: 'ada', name: 'Ada' });
  for (const token of ['phone', 'tablet']) await register(running, token);
  return { ...running, sink };
}

function register({ tidings }: TestTidings, token: string) {
  return tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token });
}

const content = { push: { title: 'Order {{ order }}', body: 'Grüße, {{ name }} 🎉' } };
const data = { name: 'Zoë <b>', order: 'A-17' };

function sendToAda({ tidings }: TestTidings, more: object = {}) {
  return tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content, data, ...more });
}

/** Sends to one device and answers the message's id. */
async function sendOne({ tidings }: TestTidings): Promise<string> {
  const to = { device: { platform: 'fcm', token: 'phone' } } as const;
  const { messages } = await tidings.notifications.send.mutate({ to, content, data });
  return messages[0]?.id ?? '';
}

/** The first of the messages that was held, as soon as there is one. */
async function oneHeld({ tidings }: TestTidings, ids: string[]) {
  const find = async () => {
    const messages = await Promise.all(ids.map((id) => tidings.messages.get.query({ id })));
    return messages.find(
      ({ status, attempts }) => status === 'retrying' && attempts.some(({ outcome }) => outcome === 'held'),
    );
  };
  return until(find, (message) => message !== undefined);
}

async function deactivatedOf({ tidings }: TestTidings): Promise<Record<string, boolean>> {
  const { devices } = await tidings.recipients.get.query({ recipientId: 'ada' });
  return Object.fromEntries(devices.map(({ token, deactivatedAt }) => [token, deactivatedAt !== null]));
}

describe('a push by FCM', () => {
  test('opens what its content or template says, brings the app its data, and opens nothing else', async () => {
    const running = await start();
    const { templates, notifications } = running.tidings;
    const push = {
      title: 'On its way',
      body: 'Order {{ order }}',
      url: '{{ shop }}/orders/{{ order }}',
      data: { order: '{{ order }}' },
    };
    await templates.create.mutate({ key: 'parcel', content: { en: { push } } });
    await templates.publish.mutate({ key: 'parcel' });
    const to = { device: { platform: 'fcm', token: 'phone' } } as const;
    const stored = [];
    for (const [said, shop] of [
      [{ template: 'parcel' }, 'https://acme.example'],
      [{ content: { push } }, 'acme:/'],
      [{ template: 'parcel' }, 'javascript:alert(1)'],
    ] as const) {
      const sent = await notifications.send.mutate({ to, ...said, data: { order: 'A-17', shop } });
      stored.push(await ended(running.tidings, sent.messages[0]?.id ?? ''));
    }
    expect(stored.map(({ status, reason }) => [status, reason])).toEqual([
      ['sent', null],
      ['sent', null],
      ['failed', 'render_failed'],
    ]);
    expect(stored[2]?.attempts[0]?.response).toBe('url must not be a javascript: URL');
    expect(
      running.sink.requests.map(({ body: { message } }) => [
        message.data,
        (message.webpush as { fcm_options?: unknown }).fcm_options,
      ]),
    ).toEqual([
      [
        { url: 'https://acme.example/orders/A-17', order: 'A-17', tidingsMessageId: stored[0]?.id },
        { link: 'https://acme.example/orders/A-17' },
      ],
      [{ url: 'acme://orders/A-17', order: 'A-17', tidingsMessageId: stored[1]?.id }, undefined],
    ]);
    const seen = await templates.preview.mutate({
      key: 'parcel',
      data: { order: 'A-17', shop: 'https://acme.example' },
    });
    expect(seen.push).toMatchObject({
      url: 'https://acme.example/orders/A-17',
      data: { order: 'A-17' },
    });
  });

  test.each(['normal', 'critical'])(
    'lane %s: each device gets what was rendered, and the record has FCM’s name for it',
    async (lane) => {
      const running = await start();
      const { messages } = await sendToAda(running, { lane });
      const stored = await Promise.all(messages.map(({ id }) => ended(running.tidings, id)));
      for (const message of stored) {
        expect(message).toMatchObject({
          status: 'sent',
          attempts: [
            {
              outcome: 'sent',
              provider: 'fcm',
              code: '200',
              response: expect.stringMatching(/^projects\/tidings-test\/messages\/[12]$/),
            },
          ],
        });
      }
      const byToken = running.sink.requests.toSorted((a, b) =>
        a.body.message.token.localeCompare(b.body.message.token),
      );
      const expected = ['phone', 'tablet'].map((token, index) => {
        const id = messages[index]?.id ?? '';
        return {
          message: {
            token,
            notification: { title: 'Order A-17', body: 'Grüße, Zoë <b> 🎉' },
            data: { tidingsMessageId: id },
            android: { notification: { tag: id } },
            apns: { headers: { 'apns-collapse-id': id } },
            webpush: { headers: { Topic: id.replace('msg_', '') }, notification: { tag: id } },
          },
        };
      });
      expect(byToken.map(({ body }) => body)).toEqual(expected);
      expect(running.sink.tokens.requests).toBe(1);
    },
  );

  test('a device that FCM no longer knows gets nothing more, until it is registered again', async () => {
    const running = await start({
      answer: (_count, { body }) =>
        body.message.token === 'phone' ? { status: 404, errorCode: 'UNREGISTERED' } : undefined,
    });
    const { tidings, sink } = running;
    const first = await sendToAda(running);
    const [toPhone, toTablet] = await Promise.all(first.messages.map(({ id }) => ended(tidings, id)));
    expect(toPhone).toMatchObject({
      status: 'bounced',
      reason: 'invalid_address',
      attempts: [{ outcome: 'bounced', code: '404 UNREGISTERED' }],
    });
    expect(toTablet).toMatchObject({ status: 'sent' });
    expect(await deactivatedOf(running)).toEqual({ phone: true, tablet: false });

    const second = await sendToAda(running);
    expect(second.messages).toHaveLength(1);
    await ended(tidings, second.messages[0]?.id ?? '');
    expect(sink.requests.map(({ body }) => body.message.token).toSorted()).toEqual([
      'phone',
      'tablet',
      'tablet',
    ]);

    expect(await register(running, 'phone')).toMatchObject({ token: 'phone', deactivatedAt: null });
    expect((await sendToAda(running)).messages).toHaveLength(2);
  });

  test('when every device is deactivated a send is skipped: no_device', async () => {
    const running = await start({ answer: () => ({ status: 403, errorCode: 'SENDER_ID_MISMATCH' }) });
    const { messages } = await sendToAda(running);
    for (const { id } of messages) {
      expect(await ended(running.tidings, id)).toMatchObject({
        status: 'bounced',
        reason: 'invalid_address',
      });
    }
    expect(await deactivatedOf(running)).toEqual({ phone: true, tablet: true });
    expect(await sendToAda(running)).toMatchObject({
      status: 'ended',
      messages: [{ channel: 'push', status: 'skipped', reason: 'no_device' }],
    });
    expect(running.sink.requests).toHaveLength(2);
  });
});

describe('when FCM does not take it', () => {
  test('503 is tried again, and the copies are the same to the octet', async () => {
    const running = await start({
      answer: (count) => (count === 1 ? { status: 503, errorCode: 'UNAVAILABLE' } : undefined),
    });
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'sent', failures: 1 });
    expect(message.attempts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['transient', '503 UNAVAILABLE'],
      ['sent', '200'],
    ]);
    expect(new Set(running.sink.requests.map(({ raw }) => raw)).size).toBe(1);
  });

  test('429 holds as long as FCM asks for, and counts no failure', async () => {
    let refusedAt = 0;
    let takenAt = 0;
    const running = await start({
      answer: (count) => {
        if (count > 1) takenAt = performance.now();
        else refusedAt = performance.now();
        return count > 1
          ? undefined
          : { status: 429, errorCode: 'QUOTA_EXCEEDED', headers: { 'retry-after': '2' } };
      },
    });
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'sent', failures: 0 });
    expect(message.attempts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['held', '429 QUOTA_EXCEEDED'],
      ['sent', '200'],
    ]);
    expect(takenAt - refusedAt).toBeGreaterThanOrEqual(2000);
  });

  test('400 ends it at once, and the device stays', async () => {
    const running = await start({ answer: () => ({ status: 400, errorCode: 'INVALID_ARGUMENT' }) });
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({
      status: 'failed',
      reason: 'rejected',
      attempts: [{ outcome: 'rejected', code: '400 INVALID_ARGUMENT' }],
    });
    expect(await deactivatedOf(running)).toEqual({ phone: false, tablet: false });
  });

  test('a connection lost after the body is ambiguous: it is sent again under the same identity', async () => {
    const running = await start({ answer: (count) => (count === 1 ? 'drop' : undefined) });
    const message = await ended(running.tidings, await sendOne(running));
    expect(message.attempts.map(({ outcome }) => outcome)).toEqual(['ambiguous', 'sent']);
    expect(new Set(running.sink.requests.map(({ raw }) => raw)).size).toBe(1);
  });

  test('an access token that is refused before its time costs the message nothing', async () => {
    const running = await start();
    await ended(running.tidings, await sendOne(running));
    running.sink.tokens.revokeAll();
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'sent', failures: 0, attempts: [{ outcome: 'sent' }] });
    expect(running.sink.tokens.requests).toBe(2);
  });

  test('a key that Google refuses holds every push, and all go out once it is put right', async () => {
    let isRevoked = true;
    const running = await start({
      tokenAnswer: () =>
        isRevoked ? { status: 400, body: JSON.stringify({ error: 'invalid_grant' }) } : undefined,
    });
    const ids = await Promise.all(Array.from({ length: 10 }, () => sendOne(running)));
    expect(await oneHeld(running, ids)).toMatchObject({
      reason: 'provider_configuration',
      attempts: expect.arrayContaining([
        expect.objectContaining({ outcome: 'held', code: '400 invalid_grant' }),
      ]),
    });
    isRevoked = false;
    for (const id of ids) {
      expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent', failures: 0 });
    }
    expect(running.sink.taken).toHaveLength(10);
  });

  test('FCM away: pushes wait without counting failures, and all go out when it is back', async () => {
    const of = makeServiceAccount();
    const tokens = await startTokenEndpoint({ of });
    cleanUp.push(tokens.stop);
    const running = await start({ of, tokens });
    await running.sink.stop();
    const ids = await Promise.all(Array.from({ length: 10 }, () => sendOne(running)));
    expect(await oneHeld(running, ids)).toMatchObject({ reason: 'provider_unavailable', failures: 0 });
    const back = await startFcmSink({ of, tokens, port: running.sink.port });
    cleanUp.push(back.stop);
    for (const id of ids) {
      expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent', failures: 0 });
    }
    expect(back.taken).toHaveLength(10);
  });
});
