import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFcmSink } from '../support/fcm-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

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

async function start(env: Parameters<typeof startTidings>[0]['env'] = {}): Promise<TestTidings> {
  const running = await startTidings({ dataDir, env });
  cleanUp.push(running.stop);
  return running;
}

const uuid = '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27';
const subscription = {
  endpoint: 'https://push.example.net/ada',
  keys: {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  },
};

async function addAda({ tidings }: TestTidings) {
  await tidings.recipients.upsert.mutate({
    externalId: 'ada',
    name: 'Ada <3',
    email: 'ada@example.com',
    locale: 'fr',
    attributes: { plan: 'pro' },
  });
  const recipientId = 'ada';
  await tidings.devices.register.mutate({ recipientId, platform: 'fcm', token: 'phone' });
  await tidings.devices.register.mutate({ recipientId, platform: 'onesignal', token: uuid });
  await tidings.devices.register.mutate({ recipientId, platform: 'webpush', subscription });
}

const line =
  '{{ recipient.name }}|{{ recipient.externalId }}|{{ recipient.locale }}|{{ recipient.attributes.plan }}';
const content = { push: { title: 'Hi', body: line } };
const readPush = (id: string) =>
  JSON.parse(readFileSync(join(dataDir, 'outbox', 'push', `${id}.json`), 'utf8'));

describe('what a template says of the recipient', () => {
  test('is what was true when it was accepted, whatever changes until it is sent', async () => {
    const running = await start();
    const { tidings } = running;
    await addAda(running);
    const sendAt = new Date(Date.now() + 1500).toISOString();
    const to = { recipientId: 'ada' };
    const { messages } = await tidings.notifications.send.mutate({ to, content, sendAt });
    await tidings.recipients.upsert.mutate({ externalId: 'ada', name: 'Later', attributes: null });
    await ended(tidings, messages[0]?.id ?? '');
    expect(readPush(messages[0]?.id ?? '').body).toBe('Ada <3|ada|fr|pro');
  });

  test("is the application's own where it says something by that name, and empty for a bare device", async () => {
    const { tidings } = await start();
    const to = { device: { platform: 'fcm', token: 'bare' } } as const;
    const bare = await tidings.notifications.send.mutate({ to, content });
    const data = { recipient: { name: 'Own' } };
    const own = await tidings.notifications.send.mutate({ to, content, data });
    for (const [{ messages }, body] of [
      [bare, '|||'],
      [own, 'Own|||'],
    ] as const) {
      await ended(tidings, messages[0]?.id ?? '');
      expect(readPush(messages[0]?.id ?? '').body).toBe(body);
    }
  });

  test('does not change what makes two requests equal', async () => {
    const running = await start();
    const { tidings } = running;
    await addAda(running);
    const request = { to: { recipientId: 'ada' }, content, idempotencyKey: 'once' };
    const first = await tidings.notifications.send.mutate(request);
    await tidings.recipients.upsert.mutate({ externalId: 'ada', name: 'Later' });
    expect(await tidings.notifications.send.mutate(request)).toEqual(first);
  });
});

describe('a push to devices of all platforms', () => {
  test('reaches the outbox whole when no provider is set', async () => {
    const running = await start();
    const { tidings } = running;
    await addAda(running);
    const { messages } = await tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content });
    for (const { id } of messages) expect(await ended(tidings, id)).toMatchObject({ status: 'sent' });
    expect(messages.map(({ id }) => readPush(id)).map(({ platform, token }) => [platform, token])).toEqual([
      ['fcm', 'phone'],
      ['onesignal', uuid],
      ['webpush', subscription.endpoint],
    ]);
  });

  test('is skipped where the provider does not reach, with the reason, and nothing is asked of it', async () => {
    const sink = await startFcmSink();
    cleanUp.push(sink.stop);
    const running = await start({
      FCM_SERVICE_ACCOUNT: JSON.stringify(sink.account),
      FCM_BASE_URL: sink.url,
      FCM_TOKEN_URL: sink.tokens.url,
    });
    const { tidings } = running;
    await addAda(running);
    const { messages } = await tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content });
    const all = await Promise.all(messages.map(({ id }) => ended(tidings, id)));
    const skipped = { status: 'skipped', reason: 'no_provider', failures: 0 };
    expect(all).toMatchObject([{ status: 'sent' }, skipped, skipped]);
    const told = all[1]?.timeline.map(({ status, reason }) => [status, reason]);
    expect(told).toEqual([
      ['queued', undefined],
      ['sending', undefined],
      ['skipped', 'no_provider'],
    ]);
    expect(sink.requests).toHaveLength(1);
  });
});
