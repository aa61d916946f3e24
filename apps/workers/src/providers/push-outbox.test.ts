import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Delivery, RenderedPush } from './provider.ts';
import { createPushOutbox } from './push-outbox.ts';

const delivery: Delivery<RenderedPush> = {
  messageId: 'msg_1',
  address: 'token-1',
  platform: 'fcm',
  toName: null,
  date: Date.UTC(2026, 1, 3, 4, 5, 6),
  content: { channel: 'push', title: 'Hi 😀', body: 'Grüße' },
};
let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tidings-outbox-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test('a push becomes a JSON file; copies of it make one file', async () => {
  const dir = join(parent, 'push');
  const outbox = createPushOutbox({ dir });
  const results = await Promise.all([1, 2, 3].map(() => outbox.send(delivery)));
  expect(results.map(({ outcome }) => outcome)).toEqual(['sent', 'sent', 'sent']);
  expect(await readdir(dir)).toEqual(['msg_1.json']);
  expect(JSON.parse(await readFile(join(dir, 'msg_1.json'), 'utf8'))).toEqual({
    messageId: 'msg_1',
    platform: 'fcm',
    token: 'token-1',
    title: 'Hi 😀',
    body: 'Grüße',
    date: '2026-02-03T04:05:06.000Z',
  });
});

test('the file has what a tap opens and what the app gets', async () => {
  const outbox = createPushOutbox({ dir: parent });
  const content = { ...delivery.content, url: 'acme://orders/1', data: { order: '1' } };
  await outbox.send({ ...delivery, content });
  const written = JSON.parse(await readFile(join(parent, 'msg_1.json'), 'utf8'));
  expect(written).toMatchObject({ url: 'acme://orders/1', data: { order: '1' } });
});

test('a disk that refuses holds the provider', async () => {
  const blocked = join(parent, 'file');
  await writeFile(blocked, '');
  const outbox = createPushOutbox({ dir: blocked });
  expect(await outbox.send(delivery)).toMatchObject({ outcome: 'held', reason: 'provider_unavailable' });
  expect(await outbox.probe()).toBe(false);
});
