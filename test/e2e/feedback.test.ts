import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OneSignalSink, startOneSignalSink } from '../support/onesignal-sink.ts';
import { createSendGridSigner, type SendGridSigner } from '../support/sendgrid-signer.ts';
import { type SendGridSink, startSendGridSink } from '../support/sendgrid-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const streamSecret = 'a-secret-of-the-event-stream';
let running: TestTidings;
let sink: SendGridSink;
let oneSignal: OneSignalSink;
let signer: SendGridSigner;
beforeEach(async () => {
  const dir = tempDir();
  sink = await startSendGridSink();
  oneSignal = await startOneSignalSink();
  signer = await createSendGridSigner();
  running = await startTidings({
    dataDir: dir.path,
    env: {
      SENDGRID_API_KEY: sink.apiKey,
      SENDGRID_BASE_URL: sink.url,
      SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey,
      EMAIL_FROM: 'Acme <hello@acme.example>',
      ONESIGNAL_APP_ID: oneSignal.appId,
      ONESIGNAL_API_KEY: oneSignal.apiKey,
      ONESIGNAL_BASE_URL: oneSignal.url,
      ONESIGNAL_WEBHOOK_SECRET: streamSecret,
      PROVIDER_EVENTS_SECRET: secret,
    },
  });
  cleanUp.push(dir.remove, sink.stop, oneSignal.stop, running.stop);
});

/** Sends a mail; answers its message once SendGrid has taken it. */
async function sent(email: string): Promise<string> {
  const { messages } = await running.tidings.notifications.send.mutate({
    to: { email },
    content: { email: { subject: 'Hello', text: 'there' } },
  });
  const { id, status } = await ended(running.tidings, messages[0]?.id ?? '');
  expect(status).toBe('sent');
  return id;
}

/** What SendGrid tells of the mails that it took, with what came with them. */
async function tell(event: string, more: { seconds: number; ours?: boolean; [field: string]: unknown }) {
  const { seconds, ours = true, ...fields } = more;
  const events = sink.taken.map(({ personalizations: [{ to, custom_args: args }] }, index) => ({
    email: to[0].email,
    timestamp: seconds,
    event,
    sg_event_id: `${event}-${seconds}-${index}`,
    sg_message_id: `sg-${index + 1}.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0`,
    ...(ours && args),
    ...fields,
  }));
  const body = JSON.stringify(events);
  const { signature, timestamp } = await signer.headersOf(body);
  await post('sendgrid', body, {
    'x-twilio-email-event-webhook-signature': signature,
    'x-twilio-email-event-webhook-timestamp': timestamp,
  });
}

async function post(provider: string, body: string, headers: Record<string, string>) {
  const response = await fetch(`${running.url}/v1/provider-events/${provider}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  expect(response.status, await response.text()).toBe(204);
}

const messageOf = (id: string) => running.tidings.messages.get.query({ id });
const statusOf = async (id: string) => (await messageOf(id)).status;

test('what SendGrid tells of a mail, late and out of order, ends as what happened last', async () => {
  const id = await sent('ada@example.com');
  const now = Math.floor(Date.now() / 1000);
  await tell('click', { seconds: now + 3 });
  await tell('delivered', { seconds: now, response: '250 OK' });
  await tell('open', { seconds: now + 2 });
  expect(await messageOf(id)).toMatchObject({
    status: 'delivered',
    attempts: [{ providerMessageId: 'sg-1' }],
    facts: {
      deliveredAt: expect.any(String),
      openedAt: expect.any(String),
      clickedAt: expect.any(String),
    },
  });
  const { status } = await running.tidings.notifications.get.query({
    id: (await messageOf(id)).notificationId,
  });
  expect(status).toBe('completed');
  await tell('bounce', { seconds: now - 60, type: 'bounce' });
  expect(await statusOf(id)).toBe('delivered');
  await tell('bounce', { seconds: now + 1, type: 'bounce', status: '5.1.1' });
  await tell('delivered', { seconds: now, response: '250 OK' });
  const { status: last, reason, timeline } = await messageOf(id);
  expect([last, reason]).toEqual(['bounced', 'invalid_address']);
  expect(timeline.map(({ status: became, feedback }) => became ?? feedback)).toEqual(
    expect.arrayContaining(['queued', 'sending', 'sent', 'delivered', 'bounced', 'opened', 'clicked']),
  );
});

test("it is found by SendGrid's own id as well", async () => {
  const id = await sent('bob@example.com');
  await tell('delivered', { seconds: Math.floor(Date.now() / 1000), ours: false });
  expect(await statusOf(id)).toBe('delivered');
});

test('a bounce after a delivery is the end, told once or twice, and a complaint a fact beside it', async () => {
  const id = await sent('cy@example.com');
  const seconds = Math.floor(Date.now() / 1000);
  await tell('delivered', { seconds });
  await tell('bounce', { seconds: seconds + 1, type: 'bounce' });
  await tell('bounce', { seconds: seconds + 1, type: 'bounce' });
  await tell('spamreport', { seconds: seconds + 2 });
  const { status, facts, timeline } = await messageOf(id);
  expect([status, facts.complainedAt]).toEqual(['bounced', expect.any(String)]);
  expect(timeline.filter(({ feedback }) => feedback === 'bounced')).toHaveLength(1);
});

test("a push is found by OneSignal's id; one that bounces later deactivates its device", async () => {
  const { tidings } = running;
  await tidings.recipients.upsert.mutate({ externalId: 'ada' });
  await tidings.devices.register.mutate({
    recipientId: 'ada',
    platform: 'onesignal',
    token: oneSignal.subscribe(),
  });
  const { messages } = await tidings.notifications.send.mutate({
    to: { recipientId: 'ada' },
    content: { push: { title: 'Hello', body: 'there' } },
    channels: ['push'],
  });
  const { id, attempts } = await ended(tidings, messages[0]?.id ?? '');
  const timestamp = String(Math.floor(Date.now() / 1000));
  const event = { id: 'e3f7', kind: 'message.push.received', timestamp };
  const message = { id: attempts[0]?.providerMessageId };
  await post('onesignal', JSON.stringify({ event, message }), { authorization: `Bearer ${streamSecret}` });
  expect(await messageOf(id)).toMatchObject({ status: 'delivered', channel: 'push' });
  const body = JSON.stringify({ events: [{ messageId: id, type: 'bounced' }] });
  const at = new Date();
  await post('onesignal', body, {
    'webhook-id': 'wh_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('wh_1', at, body),
  });
  expect(await statusOf(id)).toBe('bounced');
  const { devices } = await tidings.recipients.get.query({ recipientId: 'ada' });
  expect(devices).toMatchObject([{ deactivatedAt: expect.any(String) }]);
});
