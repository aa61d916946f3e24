import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDkimKey } from '../support/dkim-key.ts';
import { openRecord, type TestRecord } from '../support/record.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const dir = tempDir();
const { key: dkim, verify } = makeDkimKey();
let sink: SmtpSink;
let running: TestTidings;
let record: TestRecord;
let made = 0;

const publicUrl = 'https://notify.example/tidings';
const env = () => ({
  SMTP_URL: sink.url,
  EMAIL_FROM: 'hello@acme.example',
  DKIM_DOMAIN: dkim.domain,
  DKIM_SELECTOR: dkim.selector,
  DKIM_PRIVATE_KEY: dkim.privateKey,
});

beforeAll(async () => {
  sink = await startSmtpSink();
  running = await startTidings({ dataDir: dir.path, env: { ...env(), PUBLIC_URL: `${publicUrl}/` } });
  record = await openRecord(dir.path);
  const { tidings } = running;
  await tidings.categories.upsert.mutate({ key: 'news', name: 'News & <b>more</b>' });
  await tidings.categories.upsert.mutate({ key: 'offers', name: 'Offers' });
  await tidings.categories.upsert.mutate({ key: 'security', name: 'Security', required: true });
});
afterAll(async () => {
  await record.database.close();
  await running.stop();
  await sink.stop();
  dir.remove();
});

const html = '<p>Hello</p>{% if unsubscribeUrl %}<a href="{{ unsubscribeUrl }}">Unsubscribe</a>{% endif %}';
const content = { email: { subject: 'Hi', html } };

type To = Parameters<TestTidings['tidings']['notifications']['send']['mutate']>[0]['to'];

const newAddress = () => {
  made += 1;
  return `reader-${made}@example.com`;
};

async function newRecipient(): Promise<{ recipientId: string; email: string }> {
  const email = newAddress();
  const recipientId = `user-${made}`;
  await running.tidings.recipients.upsert.mutate({ externalId: recipientId, email });
  return { recipientId, email };
}

/** Sends one e-mail and answers how it ended. */
async function send(to: To, category?: string, { tidings } = running) {
  const { messages } = await tidings.notifications.send.mutate({
    to,
    content,
    category,
    channels: ['email'],
  });
  return ended(tidings, messages[0]?.id ?? '');
}

const endOf = async (...asked: Parameters<typeof send>) => {
  const { status, reason } = await send(...asked);
  return reason === null ? status : `${status}: ${reason}`;
};

/** The newest mail to an address, as it arrived. */
async function mailTo(address: string) {
  const raw = sink.received.findLast(({ recipients }) => recipients.includes(address))?.raw ?? Buffer.of();
  const parsed = await PostalMime.parse(raw);
  const field = (name: string) => parsed.headers.find(({ key }) => key === name)?.value;
  const list = field('list-unsubscribe');
  const url = /^<(.+)>$/.exec(list ?? '')?.[1];
  return { raw, html: parsed.html ?? '', list, post: field('list-unsubscribe-post'), url };
}

/** Where the link leads to, in this process. */
const here = (url = '') => url.replace(publicUrl, running.url);
const oneClick = (url: string | undefined) =>
  fetch(here(url), {
    method: 'POST',
    body: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    redirect: 'manual',
  });

describe('an e-mail of a category that can be opted out of', () => {
  test('says where to unsubscribe, in its header and its text, and both fields are signed (RFC 8058)', async () => {
    const { recipientId, email } = await newRecipient();
    expect(await endOf({ recipientId }, 'news')).toBe('sent');
    const mail = await mailTo(email);
    expect(mail.url).toMatch(/^https:\/\/notify\.example\/tidings\/u\/[\w-]{60,120}$/);
    expect(mail.post).toBe('List-Unsubscribe=One-Click');
    expect(mail.html).toContain(`<a href="${mail.url}">`);
    const [signature] = await verify(mail.raw);
    expect(signature).toMatchObject({
      result: 'pass',
      signed: expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post']),
    });
    const octets = Buffer.from(mail.url?.split('/u/')[1] ?? '', 'base64url').toString('latin1');
    expect(octets).not.toContain(email.split('@')[0]);
  });

  test('takes a recipient off it with one POST, without a login, and off nothing else', async () => {
    const { recipientId, email } = await newRecipient();
    const first = await send({ recipientId }, 'news');
    const { url } = await mailTo(email);
    const answer = await oneClick(url);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('You are unsubscribed');
    expect(await endOf({ recipientId }, 'news')).toBe('skipped: opted_out');
    expect(await endOf({ recipientId }, 'offers')).toBe('sent');
    expect(await endOf({ recipientId }, 'security')).toBe('sent');
    expect(await endOf({ recipientId })).toBe('sent');
    const { items } = await running.tidings.audit.list.query({ action: 'unsubscribe.oneClick' });
    expect(items).toMatchObject([{ actor: { kind: 'recipient' }, address: '' }]);
    expect(await record.query(`SELECT * FROM feedback WHERE message_id = '${first.id}'`)).toMatchObject([
      { type: 'unsubscribed', source: 'one_click' },
    ]);
  });

  test('takes a bare address off it too, in any case', async () => {
    const email = newAddress();
    await send({ email }, 'news');
    expect((await oneClick((await mailTo(email)).url)).status).toBe(200);
    expect(await endOf({ email: email.toUpperCase() }, 'news')).toBe('suppressed: unsubscribed');
    expect(await endOf({ email }, 'offers')).toBe('sent');
    const { items } = await running.tidings.suppressions.list.query({ address: email });
    expect(items).toMatchObject([{ address: email, category: 'news', reason: 'unsubscribed' }]);
  });

  test('does so however often it is asked, and whatever the body says it is', async () => {
    const { recipientId, email } = await newRecipient();
    await send({ recipientId }, 'news');
    const { url } = await mailTo(email);
    for (const body of [undefined, 'x', '{"a":1}', 'x'.repeat(100_000)]) {
      for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x']) {
        const answer = await fetch(here(url), { method: 'POST', body, headers: { 'content-type': type } });
        expect(answer.status).toBe(200);
      }
    }
    const { id } = await running.tidings.recipients.get.query({ recipientId });
    const told = { action: 'unsubscribe.oneClick', target: id };
    expect((await running.tidings.audit.list.query(told)).items).toHaveLength(1);
    expect(await endOf({ recipientId }, 'news')).toBe('skipped: opted_out');
  });

  test('still does when its record is gone', async () => {
    const [{ recipientId, email }, bare] = [await newRecipient(), newAddress()];
    const ids = [(await send({ recipientId }, 'news')).id, (await send({ email: bare }, 'news')).id];
    const urls = [(await mailTo(email)).url, (await mailTo(bare)).url];
    for (const id of ids) {
      await record.query(`DELETE FROM attempts WHERE message_id = '${id}' RETURNING message_id`);
      await record.query(`DELETE FROM messages WHERE id = '${id}' RETURNING id`);
    }
    for (const url of urls) expect((await oneClick(url)).status).toBe(200);
    expect(await endOf({ recipientId }, 'news')).toBe('skipped: opted_out');
    expect(await endOf({ email: bare }, 'news')).toBe('suppressed: unsubscribed');
  });
});

describe('its page', () => {
  test('asks, and changes nothing: what is named is text, nothing is loaded, framed or found', async () => {
    const { recipientId, email } = await newRecipient();
    await send({ recipientId }, 'news');
    const { url } = await mailTo(email);
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(here(url), { method });
      expect(answer.status).toBe(200);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'x-robots-tag': expect.stringContaining('noindex'),
        'content-security-policy': expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
      });
      const text = await answer.text();
      if (method === 'HEAD') continue;
      expect(text).toContain('News &amp; &lt;b&gt;more&lt;/b&gt;');
      expect(text).toContain('<b>default</b>');
      expect(text.match(/<form method="post"><button/g)).toHaveLength(1);
      expect(text).not.toMatch(/<script|src=|href=/);
      expect(text).not.toContain(email);
    }
    expect(await endOf({ recipientId }, 'news')).toBe('sent');
  });

  test('of a link that is none of ours is the same 404 for all', async () => {
    const { recipientId, email } = await newRecipient();
    await send({ recipientId }, 'news');
    const token = (await mailTo(email)).url?.split('/u/')[1] ?? '';
    const changed = `${token.slice(0, -5)}${token.at(-5) === 'A' ? 'B' : 'A'}${token.slice(-4)}`;
    const texts = new Set<string>();
    for (const wrong of [changed, token.slice(1), `${token}x`, 'x', '%00', `${token}%20`]) {
      for (const method of ['GET', 'POST']) {
        const answer = await fetch(`${running.url}/u/${wrong}`, { method });
        expect(answer.status, wrong).toBe(404);
        expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
        texts.add(await answer.text());
      }
    }
    expect(texts.size).toBe(1);
    const put = await fetch(`${running.url}/u/${token}`, { method: 'PUT' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect(await endOf({ recipientId }, 'news')).toBe('sent');
  });
});

describe('no such field has', () => {
  test('what is required, has no category, or one that nobody declared', async () => {
    const { recipientId, email } = await newRecipient();
    for (const category of ['security', undefined, 'undeclared']) {
      expect(await endOf({ recipientId }, category)).toBe('sent');
      const mail = await mailTo(email);
      expect([mail.list, mail.post]).toEqual([undefined, undefined]);
      expect(mail.html).not.toContain('Unsubscribe');
    }
  });

  test('anything where nobody says how the world finds the API', async () => {
    const elsewhere = tempDir();
    const hidden = await startTidings({ dataDir: elsewhere.path, env: env() });
    await hidden.tidings.categories.upsert.mutate({ key: 'news', name: 'News' });
    const email = newAddress();
    expect(await endOf({ email }, 'news', hidden)).toBe('sent');
    expect((await mailTo(email)).list).toBeUndefined();
    await hidden.stop();
    elsewhere.remove();
  });
});
