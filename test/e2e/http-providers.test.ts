import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OneSignalSink, startOneSignalSink } from '../support/onesignal-sink.ts';
import { type SendGridSink, startSendGridSink } from '../support/sendgrid-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
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

async function startWith(env: Record<string, string>): Promise<TestTidings> {
  const running = await startTidings({ dataDir, env });
  cleanUp.push(running.stop);
  return running;
}

async function startWithSendGrid(
  options: Parameters<typeof startSendGridSink>[0] = {},
): Promise<TestTidings & { sink: SendGridSink }> {
  const sink = await startSendGridSink(options);
  cleanUp.push(sink.stop);
  const running = await startWith({
    SENDGRID_API_KEY: sink.apiKey,
    SENDGRID_BASE_URL: sink.url,
    EMAIL_FROM: 'Acme <hello@acme.example>',
  });
  return { ...running, sink };
}

async function startWithOneSignal(
  options: Parameters<typeof startOneSignalSink>[0] = {},
): Promise<TestTidings & { sink: OneSignalSink }> {
  const sink = await startOneSignalSink(options);
  cleanUp.push(sink.stop);
  const running = await startWith({
    ONESIGNAL_APP_ID: sink.appId,
    ONESIGNAL_API_KEY: sink.apiKey,
    ONESIGNAL_BASE_URL: sink.url,
  });
  return { ...running, sink };
}

const content = {
  email: { subject: 'Hello {{ name }}', text: 'Hello {{ name }}', html: '<p>{{ name }}</p>' },
  push: { title: 'Hello {{ name }}', body: 'there' },
};
const data = { name: 'Zoë <b>' };

describe('an e-mail by SendGrid', () => {
  const send = async ({ tidings }: TestTidings) => {
    const to = { email: 'ada@example.com', name: 'Ada' };
    const { messages } = await tidings.notifications.send.mutate({ to, content, data, channels: ['email'] });
    return messages[0]?.id ?? '';
  };

  test('is what was rendered, and what failed on the way is sent again as the same', async () => {
    const running = await startWithSendGrid({
      answer: (count) => (count === 1 ? { status: 500 } : undefined),
    });
    const id = await send(running);
    expect(await ended(running.tidings, id)).toMatchObject({
      status: 'sent',
      attempts: [
        { outcome: 'ambiguous', provider: 'sendgrid', code: '500' },
        { outcome: 'sent', provider: 'sendgrid', code: '202', providerMessageId: 'sg-1' },
      ],
    });
    const [first, second] = running.sink.requests.map(({ body }) => body.toString());
    expect(second).toBe(first);
    expect(running.sink.taken).toMatchObject([
      {
        subject: 'Hello Zoë <b>',
        content: [{ value: 'Hello Zoë <b>' }, { value: '<p>Zoë &lt;b&gt;</p>' }],
        headers: { 'Message-ID': `<${id}@acme.example>` },
      },
    ]);
  });

  test('waits while the key is refused, counts nothing, and goes out once it is good', async () => {
    let isRefused = true;
    const running = await startWithSendGrid({
      answer: () => (isRefused ? { status: 401, body: { errors: [{ message: 'revoked' }] } } : undefined),
    });
    const id = await send(running);
    const held = await until(
      () => running.tidings.messages.get.query({ id }),
      // While it is tried again it has no reason.
      ({ attempts, reason }) => attempts.some(({ outcome }) => outcome === 'held') && reason !== null,
    );
    expect(held).toMatchObject({ reason: 'provider_configuration', failures: 0 });
    isRefused = false;
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent', failures: 0 });
    expect(running.sink.taken).toHaveLength(1);
  });
});

describe('a push by OneSignal', () => {
  const send = async ({ tidings }: TestTidings, token: string) => {
    await tidings.recipients.upsert.mutate({ externalId: 'ada' });
    await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'onesignal', token });
    const to = { recipientId: 'ada' };
    const { messages } = await tidings.notifications.send.mutate({ to, content, data, channels: ['push'] });
    return messages[0]?.id ?? '';
  };
  const deactivatedAt = async ({ tidings }: TestTidings) =>
    (await tidings.recipients.get.query({ recipientId: 'ada' })).devices[0]?.deactivatedAt;

  test('whose answer was lost is sent once', async () => {
    const running = await startWithOneSignal({ answer: (count) => (count === 1 ? 'drop' : undefined) });
    const id = await send(running, running.sink.subscribe());
    expect(await ended(running.tidings, id)).toMatchObject({
      status: 'sent',
      attempts: [{ outcome: 'transient', provider: 'onesignal' }, { outcome: 'sent' }],
    });
    expect(running.sink.requests).toHaveLength(2);
    const keys = running.sink.requests.map(({ json }) => json?.idempotency_key);
    expect(new Set(keys).size).toBe(1);
    expect(running.sink.taken).toMatchObject([{ headings: { en: 'Hello Zoë <b>' } }]);
  });

  test('to a subscription it does not know deactivates the device, to one turned off it does not', async () => {
    const running = await startWithOneSignal();
    const off = running.sink.subscribe();
    running.sink.turnOff(off);
    const rejected = await send(running, off);
    expect(await ended(running.tidings, rejected)).toMatchObject({ status: 'failed', reason: 'rejected' });
    expect(await deactivatedAt(running)).toBeNull();
    const { devices } = await running.tidings.recipients.get.query({ recipientId: 'ada' });
    const deviceId = devices[0]?.id ?? '';
    await running.tidings.devices.remove.mutate({ recipientId: 'ada', deviceId });
    const bounced = await send(running, randomUUID());
    expect(await ended(running.tidings, bounced)).toMatchObject({ status: 'bounced' });
    expect(await deactivatedAt(running)).not.toBeNull();
  });
});
