import { deliveredEvent } from '@tidings/contracts';
import PostalMime from 'postal-mime';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpSink, startHttpSink } from '../support/http-sink.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const dir = tempDir();
let mail: SmtpSink;
let hook: HttpSink;
let running: TestTidings;

beforeAll(async () => {
  mail = await startSmtpSink({
    onRecipient: (address) =>
      ({ 'gone@example.com': '550 5.1.1 No such user', 'refused@example.com': '550 5.7.1 Not here' })[
        address
      ],
  });
  hook = await startHttpSink(() => ({ status: 204 }));
  running = await startTidings({
    dataDir: dir.path,
    env: {
      SMTP_URL: mail.url,
      EMAIL_FROM: 'hello@acme.example',
      PUBLIC_URL: 'https://notify.example',
      OUTBOUND_ALLOWED_NETWORKS: '127.0.0.0/8',
    },
  });
});
afterAll(async () => {
  await running.stop();
  await hook.stop();
  await mail.stop();
  dir.remove();
});

test('a webhook hears of everything that becomes of messages, exactly once, and of nothing before it was made', async () => {
  const { tidings } = running;
  await tidings.categories.upsert.mutate({ key: 'news', name: 'News' });
  const { id: recipientId } = await tidings.recipients.upsert.mutate({
    externalId: 'ada',
    email: 'ada@example.com',
  });
  await sendTo('before@example.com');
  const { secret } = await tidings.subscriptions.create.mutate({
    name: 'crm',
    types: ['message.*', 'recipient.*'],
    settings: { kind: 'webhook', url: `${hook.url}/tidings` },
  });
  const sent = await sendTo('ada');
  const bounced = await sendTo('gone@example.com');
  const failed = await sendTo('refused@example.com');
  for (let times = 0; times < 2; times += 1) {
    expect((await oneClick()).status).toBe(200);
    await tidings.messages.report.mutate({ id: sent, type: 'delivered', eventId: 'e1' });
  }
  await until(
    () => hook.requests.length,
    (number) => number >= 5,
  );
  // What comes after everything else shows that there was nothing more.
  const last = await sendTo('last@example.com');
  await until(
    () => hook.requests.map(({ json }) => json?.data),
    (all) => JSON.stringify(all).includes(last),
  );
  const told = hook.requests.map(({ headers, body }) => {
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    return deliveredEvent.parse(new Webhook(secret ?? '').verify(body.toString(), signed));
  });
  const lines = told.map(({ type, data }) => `${type} ${data.messageId} ${data.status} ${data.reason}`);
  expect(lines.sort()).toEqual(
    [
      `message.sent ${sent} sent null`,
      `message.bounced ${bounced} bounced invalid_address`,
      `message.failed ${failed} failed rejected`,
      `recipient.unsubscribed ${sent} sent null`,
      `message.delivered ${sent} delivered null`,
      `message.sent ${last} sent null`,
    ].sort(),
  );
  const ofAda = told.filter(({ subject }) => subject === recipientId);
  expect(ofAda).toHaveLength(3);
  expect(ofAda[0]).toMatchObject({
    origin: 'tidings',
    data: { recipientId, channel: 'email', category: 'news', metadata: { orderId: '1042' } },
  });
  expect(JSON.stringify(told)).not.toContain('@example.com');
});

/** Sends an e-mail to an address, or to a recipient; answers the id of its message once it has ended. */
async function sendTo(whom: string): Promise<string> {
  const { messages } = await running.tidings.notifications.send.mutate({
    to: whom.includes('@') ? { email: whom } : { recipientId: whom },
    content: { email: { subject: 'Hello', text: 'there' } },
    category: 'news',
    metadata: { orderId: '1042' },
  });
  return (await ended(running.tidings, messages[0]?.id ?? '')).id;
}

/** What a mail program does with Ada's mail (RFC 8058). */
async function oneClick(): Promise<Response> {
  const raw = mail.received.find(({ recipients }) => recipients.includes('ada@example.com'))?.raw;
  const { headers } = await PostalMime.parse(raw ?? '');
  const link = headers.find(({ key }) => key === 'list-unsubscribe')?.value.slice(1, -1) ?? '';
  return fetch(link.replace('https://notify.example', running.url), {
    method: 'POST',
    body: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}
