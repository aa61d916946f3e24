import { randomBytes } from 'node:crypto';
import { EventWebhook } from '@sendgrid/eventwebhook';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountOf } from '../../../../test/support/account.ts';
import { type Answer, openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { handOver } from '../../../../test/support/hand-over.ts';
import { createSendGridSigner, type SendGridSigner } from '../../../../test/support/sendgrid-signer.ts';
import { sendGridWebhook } from './sendgrid-webhook.ts';

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;
const secret = newSecret();
const oneSignalSecret = 'a-secret-of-the-event-stream';
let signer: SendGridSigner;
let tested: TestApi;
beforeAll(async () => {
  signer = await createSendGridSigner();
  tested = await openTestApi({
    env: {
      PROVIDER_EVENTS_SECRET: secret,
      SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey,
      ONESIGNAL_WEBHOOK_SECRET: oneSignalSecret,
    },
  });
});
afterAll(() => tested.close());

const content = { email: { subject: 'Hi', text: 'Hello' } };

/** A message that a provider has taken. */
async function send(key = tested.key): Promise<string> {
  const { body } = await tested.call(
    'POST',
    '/v1/notifications',
    { to: { email: 'ada@example.com' }, content },
    { authorization: `Bearer ${key}` },
  );
  const id = (body.messages as Array<{ id: string }>)[0]?.id ?? '';
  await handOver(tested.store, id);
  return id;
}
const messageOf = async (id: string, key = tested.key) =>
  (await tested.call('GET', `/v1/messages/${id}`, undefined, { authorization: `Bearer ${key}` })).body;

function post(provider: string, body: string, headers: Record<string, string>): Promise<Answer> {
  return tested.call('POST', `/v1/provider-events/${provider}`, body, { authorization: '', ...headers });
}

/** As SendGrid would: a batch, signed. */
async function postSendGrid(
  events: unknown,
  { by = signer, at, provider = 'sendgrid' }: { by?: SendGridSigner; at?: number; provider?: string } = {},
): Promise<Answer> {
  const body = typeof events === 'string' ? events : JSON.stringify(events);
  const { signature, timestamp } = await by.headersOf(body, at);
  return post(provider, body, sendGridHeaders(signature, timestamp));
}
const sendGridHeaders = (signature: string, timestamp: string) => ({
  'x-twilio-email-event-webhook-signature': signature,
  'x-twilio-email-event-webhook-timestamp': timestamp,
});

/** Signed by the library of Standard Webhooks. */
function standardHeaders(body: string, by = secret, id = 'wh_1', at = new Date()) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(by).sign(id, at, body),
  };
}
function postStandard(provider: string, events: unknown, by?: string, id?: string): Promise<Answer> {
  const body = JSON.stringify({ events });
  return post(provider, body, standardHeaders(body, by, id));
}

const forged = { status: 401, body: { code: 'invalid_signature' } };
let made = 0;
const sendGridEvent = (id: string, event: string, more: object = {}) => {
  made += 1;
  const timestamp = Math.floor(Date.now() / 1000);
  return {
    email: 'ada@example.com',
    timestamp,
    event,
    sg_event_id: `sg-${made}`,
    tidings_message_id: id,
    ...more,
  };
};

describe("SendGrid's signed event webhook", () => {
  test('is taken when the official library would take it, and answered without a body once it is on record', async () => {
    const id = await send();
    const events = [
      sendGridEvent(id, 'processed'),
      sendGridEvent(id, 'delivered', { response: '250 OK' }),
      sendGridEvent(id, 'open', { useragent: 'Mozilla' }),
    ];
    const body = `${JSON.stringify(events)}\r\n`;
    const { signature, timestamp } = await signer.headersOf(body);
    const official = new EventWebhook();
    const key = official.convertPublicKeyToECDSA(signer.publicKey);
    expect(official.verifySignature(key, body, signature, timestamp)).toBe(true);
    const answer = await post('sendgrid', body, sendGridHeaders(signature, timestamp));
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(await messageOf(id)).toMatchObject({
      status: 'delivered',
      facts: { deliveredAt: expect.any(String), openedAt: expect.any(String), clickedAt: null },
    });
  });

  test('that was published with its signature by SendGrid holds', () => {
    const publicKey =
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==';
    const signature =
      'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=';
    const body =
      '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n';
    const { isSigned, read } = sendGridWebhook(publicKey);
    const headers = new Headers(sendGridHeaders(signature, '1600112502'));
    const at = (text: string, nowMs: number) => isSigned(headers, Buffer.from(text), nowMs);
    expect(at(body, 1_600_112_502_000)).toBe(true);
    expect(at(body, 1_600_112_502_000 + 24 * 3_600_000)).toBe(true);
    expect(at(body, 1_600_112_502_000 + 26 * 3_600_000)).toBe(false);
    expect(at(body.trim(), 1_600_112_502_000)).toBe(false);
    expect(read(JSON.parse(body), headers)).toMatchObject({
      ignored: 0,
      feedback: [{ type: 'bounced', providerMessageId: 'LRzXl_NHStOGhQ4kofSm_A', at: 1_600_112_492_000 }],
    });
  });

  test.each<[event: string, more: object, status: string, facts: object]>([
    ['bounce', { type: 'bounce', status: '5.1.1', reason: '550 5.1.1 unknown' }, 'bounced', {}],
    ['bounce', { type: 'blocked', reason: '550 5.7.1 listed' }, 'sent', {}],
    ['bounce', { type: 'expired' }, 'sent', {}],
    ['dropped', { reason: 'Bounced Address' }, 'bounced', {}],
    ['dropped', { reason: 'Spam Content' }, 'sent', {}],
    ['deferred', { response: '450 later' }, 'sent', {}],
    ['spamreport', {}, 'sent', { complainedAt: expect.any(String) }],
    ['unsubscribe', {}, 'sent', { unsubscribedAt: expect.any(String) }],
    ['group_unsubscribe', {}, 'sent', { unsubscribedAt: expect.any(String) }],
    ['group_resubscribe', {}, 'sent', { unsubscribedAt: null }],
    ['open', { sg_machine_open: true }, 'sent', { openedAt: null }],
    ['click', { url: 'https://example.com/?token=1' }, 'sent', { clickedAt: expect.any(String) }],
    ['constructor', {}, 'sent', {}],
  ])('%s %j', async (event, more, status, facts) => {
    const id = await send();
    expect((await postSendGrid([sendGridEvent(id, event, more)])).status).toBe(204);
    expect(await messageOf(id)).toMatchObject({ status, facts });
  });

  test('forged, changed, without its headers, or from long ago or the future, changes nothing', async () => {
    const id = await send();
    const body = JSON.stringify([sendGridEvent(id, 'delivered')]);
    const { signature, timestamp } = await signer.headersOf(body);
    const good = sendGridHeaders(signature, timestamp);
    const other = await createSendGridSigner();
    const hourMs = 3_600_000;
    const answers = [
      await post('sendgrid', body, {}),
      await post('sendgrid', body, sendGridHeaders('', timestamp)),
      await post('sendgrid', body, sendGridHeaders('bm90IERFUg==', timestamp)),
      await post('sendgrid', body, sendGridHeaders('MAYCAQACAQA=', timestamp)),
      await post('sendgrid', body, sendGridHeaders(signature, '')),
      await post('sendgrid', body, sendGridHeaders(signature, String(Number(timestamp) + 1))),
      await post('sendgrid', body.replace('delivered', 'click'), good),
      await postSendGrid(body, { by: other }),
      await postSendGrid(body, { at: Date.now() - 26 * hourMs }),
      await postSendGrid(body, { at: Date.now() + hourMs }),
    ];
    for (const answer of answers) expect(answer).toMatchObject(forged);
    expect(await messageOf(id)).toMatchObject({ status: 'sent', facts: { deliveredAt: null } });
    expect((await post('sendgrid', body, good)).status).toBe(204);
  });

  test('posted again, or told of what is unknown or odd, is taken and counted, and costs no other event', async () => {
    const id = await send();
    const delivered = sendGridEvent(id, 'delivered');
    const batch = [
      null,
      7,
      'text',
      { event: {} },
      sendGridEvent(id, 'open', { timestamp: 'soon', sg_event_id: 5 }),
      sendGridEvent(`msg_${'0'.repeat(32)}`, 'delivered'),
      { ...delivered, tidings_message_id: undefined, sg_message_id: 'nobody-knows.filterdrecv-1' },
      // A mail server may say anything.
      { ...delivered, response: 'NUL \0, half a \ud83d, \u202e and\r\nlines' },
    ];
    for (let again = 0; again < 2; again += 1) expect((await postSendGrid(batch)).status).toBe(204);
    const message = await messageOf(id);
    expect(message.status).toBe('delivered');
    const { text } = await tested.call('GET', '/metrics');
    expect(text).toMatch(/tidings_feedback_total\{type="delivered",source="sendgrid",result="repeated"\} \d/);
    expect(text).toMatch(/tidings_feedback_total\{type="delivered",source="sendgrid",result="unknown"\} \d/);
    expect(text).toMatch(/tidings_feedback_total\{type="other",source="sendgrid",result="ignored"\} \d/);
  });

  test('of thousands of events is recorded to the last', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => send()));
    const events = ids.flatMap((id) => Array.from({ length: 100 }, () => sendGridEvent(id, 'click')));
    expect((await postSendGrid([...events, sendGridEvent(ids[19] ?? '', 'delivered')])).status).toBe(204);
    const rows = await tested.query(`SELECT event_id FROM feedback WHERE message_id = '${ids[7]}'`);
    expect(rows).toHaveLength(100);
    expect((await messageOf(ids[19] ?? '')).status).toBe('delivered');
  });
});

describe('Standard Webhooks', () => {
  test('by any kind of the instance, by our id, is taken; made again it changes nothing', async () => {
    const id = await send();
    const events = [
      { messageId: id, type: 'opened' },
      { messageId: id, type: 'opened', code: '1' },
    ];
    for (let again = 0; again < 2; again += 1) {
      expect((await postStandard('smtp', events, secret, 'wh_again')).status).toBe(204);
    }
    const { timeline, facts } = await messageOf(id);
    expect((timeline as Array<{ feedback?: string }>).filter(({ feedback }) => feedback)).toHaveLength(2);
    expect(facts).toMatchObject({ openedAt: expect.any(String) });
  });

  test('of several signatures one good one is enough, as while a secret is changed', async () => {
    const body = JSON.stringify({ events: [{ messageId: await send(), type: 'delivered' }] });
    const headers = standardHeaders(body);
    const [old, other] = [new Webhook(newSecret()).sign('wh_1', new Date(), body), 'v1a,AAAA'];
    const signature = `${old} ${other} ${headers['webhook-signature']}`;
    expect((await post('smtp', body, { ...headers, 'webhook-signature': signature })).status).toBe(204);
    const none = `${old} ${other} v1,`;
    expect(await post('smtp', body, { ...headers, 'webhook-signature': none })).toMatchObject(forged);
  });

  test('forged, changed or old, changes nothing', async () => {
    const id = await send();
    const body = JSON.stringify({ events: [{ messageId: id, type: 'delivered' }] });
    const good = standardHeaders(body);
    const old = standardHeaders(body, secret, 'wh_1', new Date(Date.now() - 6 * 60_000));
    const answers = [
      await post('smtp', body.replace('delivered', 'bounced'), good),
      await post('smtp', body, { ...good, 'webhook-id': 'wh_2' }),
      await post('smtp', body, { ...good, 'webhook-id': '' }),
      await post('smtp', body, { ...good, 'webhook-timestamp': '1e9' }),
      await post('smtp', body, old),
      await post('smtp', body, standardHeaders(body, newSecret())),
    ];
    for (const answer of answers) expect(answer).toMatchObject(forged);
    expect(await messageOf(id)).toMatchObject({ status: 'sent' });
  });

  test('with a body of another shape is refused with its place', async () => {
    const id = await send();
    for (const [events, pointer] of [
      [[{ messageId: id, type: 'vanished' }], '/events/0/type'],
      [[{ messageId: id, providerMessageId: 'x', type: 'opened' }], '/events/0'],
      [[], '/events'],
    ] as const) {
      expect(await postStandard('fcm', events)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', errors: [{ pointer }] },
      });
    }
  });
});

describe("OneSignal's event stream", () => {
  const event = (kind: string) =>
    JSON.stringify({
      event: { id: 'e3f7', kind, timestamp: '1769846400' },
      message: { id: 'of-onesignal' },
    });

  test('has its secret as bearer token, and is counted', async () => {
    const headers = { authorization: `Bearer ${oneSignalSecret}` };
    for (const kind of ['message.push.received', 'message.push.sent', 'toString']) {
      expect((await post('onesignal', event(kind), headers)).status).toBe(204);
    }
    for (const body of ['[]', 'null', '{"event":null}']) {
      expect((await post('onesignal', body, headers)).status).toBe(204);
    }
    const { text } = await tested.call('GET', '/metrics');
    expect(text).toContain('tidings_feedback_total{type="delivered",source="onesignal",result="unknown"} 1');
    expect(text).toContain('tidings_feedback_total{type="other",source="onesignal",result="ignored"} 5');
  });

  test('with another secret, or for another kind, is refused', async () => {
    const body = event('message.push.received');
    for (const token of ['', 'x', secret, tested.key]) {
      expect(await post('onesignal', body, { authorization: `Bearer ${token}` })).toMatchObject(forged);
    }
    expect(await post('fcm', body, { authorization: `Bearer ${oneSignalSecret}` })).toMatchObject(forged);
  });
});

describe("a project's provider", () => {
  test('tells of messages of its project only, by its own secrets only', async () => {
    const admin = await accountOf(tested, 'admin');
    const [own, theirs] = [newSecret(), await createSendGridSigner()];
    const made = await admin.call('POST', '/v1/providers', {
      name: 'main',
      settings: {
        kind: 'sendgrid',
        apiKey: 'SG.x',
        from: 'a@acme.example',
        webhookSecret: own,
        webhookPublicKey: theirs.publicKey,
      },
    });
    expect(made.text).not.toContain(own);
    const id = String(made.body.id);
    const otherKey = await tested.addProject('elsewhere');
    const [mine, foreign] = [await send(), await send(otherKey)];
    const both = [mine, foreign].map((messageId) => ({ messageId, type: 'delivered' }));
    expect(await postStandard(id, both)).toMatchObject(forged);
    expect(await postSendGrid([sendGridEvent(mine, 'delivered')], { provider: id })).toMatchObject(forged);
    expect((await postStandard(id, both, own)).status).toBe(204);
    expect((await messageOf(mine)).status).toBe('delivered');
    expect((await messageOf(foreign, otherKey)).status).toBe('sent');
    const bounce = [mine, foreign].map((message) => sendGridEvent(message, 'bounce'));
    expect((await postSendGrid(bounce, { by: theirs, provider: id })).status).toBe(204);
    expect(await messageOf(mine)).toMatchObject({ status: 'bounced', reason: 'invalid_address' });
    expect((await messageOf(mine)).timeline).toContainEqual(
      expect.objectContaining({ feedback: 'bounced', source: 'main' }),
    );
    expect((await messageOf(foreign, otherKey)).status).toBe('sent');
    const rows = await tested.query(`SELECT reason FROM suppressions WHERE message_id = '${foreign}'`);
    expect(rows).toEqual([]);
  });

  test('without a secret is not found, nor one that is not there; and nothing else is a provider', async () => {
    const admin = await accountOf(tested, 'admin');
    const settings = { kind: 'smtp', url: 'smtp://mail.example.com', from: 'a@acme.example' };
    const { body } = await admin.call('POST', '/v1/providers', { name: 'silent', settings });
    const events = [{ messageId: await send(), type: 'delivered' }];
    for (const id of [String(body.id), `prv_${'0'.repeat(32)}`]) {
      expect(await postStandard(id, events)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect(await postStandard('carrier-pigeon', events)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer: '/provider' }] },
    });
    const bare = await openTestApi();
    const answer = await bare.call('POST', '/v1/provider-events/sendgrid', '[]');
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    await bare.close();
  });

  test('whose settings cannot be opened is asked to try again', async () => {
    const admin = await accountOf(tested, 'admin');
    const settings = {
      kind: 'sendgrid',
      apiKey: 'SG.key',
      from: 'a@acme.example',
      webhookSecret: newSecret(),
    };
    const { body } = await admin.call('POST', '/v1/providers', { name: 'sealed elsewhere', settings });
    const id = body.id as string;
    await tested.query(`UPDATE providers SET sealed = 'v1.0badc0de.AAAA.AAAA' WHERE id = '${id}'`);
    const answer = await postStandard(id, []);
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });

  test('is refused with a verification key that is none, and shows one that is', async () => {
    const admin = await accountOf(tested, 'admin');
    const create = (webhookPublicKey: string) =>
      admin.call('POST', '/v1/providers', {
        name: `keyed-${webhookPublicKey.length}`,
        settings: { kind: 'sendgrid', apiKey: 'SG.x', from: 'a@acme.example', webhookPublicKey },
      });
    expect(await create('bm9uZQ==')).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/settings/webhookPublicKey' }] },
    });
    expect((await create(signer.publicKey)).body.settings).toMatchObject({
      webhookPublicKey: signer.publicKey,
    });
  });
});

describe('a body', () => {
  test('is not read of whoever brings no signature', async () => {
    let wasRead = false;
    const body = new ReadableStream(
      {
        pull: (controller) => {
          wasRead = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'application/json' } };
    const url = 'http://tidings.test/v1/provider-events/sendgrid';
    expect((await tested.api.fetch(new Request(url, init as RequestInit))).status).toBe(401);
    expect(wasRead).toBe(false);
  });

  test('that is signed and yet no JSON, too deep, too large or of another type is refused', async () => {
    const refusals = [
      [await postSendGrid('[{'), 400, 'invalid_json'],
      [await postSendGrid(`${'['.repeat(40)}${']'.repeat(40)}`), 400, 'invalid_json'],
      [await postSendGrid(`["${'x'.repeat(1024 * 1024)}"]`), 413, 'body_too_large'],
    ] as const;
    for (const [answer, status, code] of refusals) expect(answer).toMatchObject({ status, body: { code } });
    const { signature, timestamp } = await signer.headersOf('[]');
    const headers = { ...sendGridHeaders(signature, timestamp), 'content-type': 'text/plain' };
    expect(await post('sendgrid', '[]', headers)).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
    expect((await tested.call('GET', '/v1/provider-events/sendgrid')).status).toBe(405);
  });

  test('that cannot be recorded now is asked for again', async () => {
    const id = await send();
    const unlock = await tested.lockRecord();
    const answer = await postSendGrid([sendGridEvent(id, 'delivered')]);
    await unlock();
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect((await messageOf(id)).status).toBe('sent');
  }, 30_000);
});
