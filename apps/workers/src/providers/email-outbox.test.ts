import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEmailOutbox } from './email-outbox.ts';
import type { Delivery, RenderedEmail } from './provider.ts';

const delivery: Delivery<RenderedEmail> = {
  messageId: 'msg_1',
  address: 'ada@example.com',
  platform: null,
  toName: 'Ada',
  date: 1_770_000_000_000,
  content: { channel: 'email', subject: 'Hi Ada', text: 'Grüße' },
};
const from = 'Acme <hello@acme.example>';
let parent: string;
let dir: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tidings-outbox-'));
  dir = join(parent, 'made', 'when needed');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test('a mail becomes an .eml file any mail program can read', async () => {
  expect(await createEmailOutbox({ dir, from }).send(delivery)).toMatchObject({ outcome: 'sent' });
  const parsed = await PostalMime.parse(await readFile(join(dir, 'msg_1.eml')));
  expect(parsed).toMatchObject({ subject: 'Hi Ada', to: [{ name: 'Ada', address: 'ada@example.com' }] });
  expect(parsed.text?.trimEnd()).toBe('Grüße');
});

test('copies of one message make one file and leave nothing beside it', async () => {
  const outbox = createEmailOutbox({ dir, from });
  await Promise.all([1, 2, 3].map(() => outbox.send(delivery)));
  await outbox.send({ ...delivery, messageId: 'msg_2' });
  expect((await readdir(dir)).sort()).toEqual(['msg_1.eml', 'msg_2.eml']);
});

test('a disk that refuses holds the provider', async () => {
  const blocked = join(parent, 'file');
  await writeFile(blocked, '');
  const outbox = createEmailOutbox({ dir: blocked, from });
  expect(await outbox.send(delivery)).toMatchObject({
    outcome: 'held',
    reason: 'provider_unavailable',
    code: 'EEXIST',
  });
  expect(await outbox.probe()).toBe(false);
  expect(await createEmailOutbox({ dir, from }).probe()).toBe(true);
});

test('an unreadable sender is refused at once', () => {
  expect(() => createEmailOutbox({ dir, from: 'Acme' })).toThrow('not one mailbox');
});
