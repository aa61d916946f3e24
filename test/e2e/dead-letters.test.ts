import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScriptedSmtp, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const dir = tempDir();
let smtp: ScriptedSmtp;
let running: TestTidings;
/** Until then every mail is refused once it was handed over. */
let isFixed = false;

beforeAll(async () => {
  smtp = await startScriptedSmtp({ body: () => (isFixed ? '250 2.0.0 Ok' : '554 5.6.0 Not like this') });
  const env = { SMTP_URL: smtp.url, EMAIL_FROM: 'hello@tidings.example' };
  running = await startTidings({ dataDir: dir.path, env });
});
afterAll(async () => {
  await running.stop();
  await smtp.stop();
  dir.remove();
});

const key = 'letter';
const contentOf = (word: string) => ({
  en: { email: { subject: `${word} {{ name }}`, html: `<p>${word} {{ name }}</p>` } },
});

/** The mails of an address, as they came. */
const mailsTo = (address: string) =>
  smtp.messages
    .filter(({ recipients }) => recipients.includes(address))
    .map(({ raw }) => raw.toString('latin1'));
const messageIdOf = (mail = '') => /^Message-ID: (.*)$/im.exec(mail)?.[1];

test('a dead letter goes out again as it was to the octet, or with the version in use, under one Message-ID', async () => {
  const { templates, notifications, deadLetters, messages } = running.tidings;
  await templates.create.mutate({ key, content: contentOf('Dear') });
  await templates.publish.mutate({ key });
  const ids = new Map<string, string>();
  for (const name of ['frozen', 'current', 'many']) {
    const to = { email: `${name}@example.com` };
    const sent = await notifications.send.mutate({ to, template: key, data: { name } });
    ids.set(name, sent.messages[0]?.id ?? '');
  }
  for (const id of ids.values()) {
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'failed', reason: 'rejected' });
  }
  const { revision } = await templates.get.query({ key });
  await templates.update.mutate({ key, revision, content: contentOf('Hello') });
  await templates.publish.mutate({ key });
  isFixed = true;

  const found = await deadLetters.list.query({ provider: 'smtp', template: key });
  expect(found.items.map(({ id, code }) => [id, code])).toEqual(
    [...ids.values()].reverse().map((id) => [id, '554 5.6.0']),
  );
  await messages.replay.mutate({ id: ids.get('frozen') ?? '' });
  await messages.replay.mutate({ id: ids.get('current') ?? '', content: 'current' });
  const answer = await deadLetters.replay.mutate({ filter: { template: key, reason: 'rejected' } });
  expect(answer).toEqual({ replayed: 1, skipped: [], more: false, after: null });
  for (const id of ids.values()) {
    const again = await ended(running.tidings, id);
    expect(again).toMatchObject({ status: 'sent', failures: 0 });
    expect(again.timeline.map(({ status }) => status)).toEqual([
      'queued',
      'sending',
      'failed',
      'queued',
      'sending',
      'sent',
    ]);
  }
  for (const name of ['frozen', 'many']) {
    const [first, second] = mailsTo(`${name}@example.com`);
    expect(first).toContain(`Dear ${name}`);
    expect(second).toBe(first);
  }
  const [before, after] = mailsTo('current@example.com');
  expect(before).toContain('Dear current');
  expect(after).toContain('Hello current');
  expect(messageIdOf(after)).toBe(messageIdOf(before));
  expect((await deadLetters.list.query({})).items).toEqual([]);
});
