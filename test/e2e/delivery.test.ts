import PostalMime from 'postal-mime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDkimKey } from '../support/dkim-key.ts';
import { quick } from '../support/quick.ts';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
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

async function start(smtpUrl: string, tuning = quick, more: object = {}): Promise<TestTidings> {
  const env = { SMTP_URL: smtpUrl, EMAIL_FROM: 'Tidings Test <hello@tidings.example>', ...more };
  const running = await startTidings({ dataDir, env, tuning });
  cleanUp.push(running.stop);
  return running;
}

async function scripted(script: SmtpScript): Promise<ScriptedSmtp> {
  const server = await startScriptedSmtp(script);
  cleanUp.push(server.stop);
  return server;
}

const to = { email: 'ada@example.com', name: 'Ada Lovelace' };
const content = {
  email: { subject: 'Hello {{ name }}', text: 'Hello {{ name }}', html: '<p>{{ name }}</p>' },
};
const data = { name: 'Ada' };

/** Sends one e-mail and answers its message's id. */
async function sendOne({ tidings }: TestTidings, more: object = {}): Promise<string> {
  const { messages } = await tidings.notifications.send.mutate({ to, content, data, ...more });
  return messages[0]?.id ?? '';
}

describe('a real SMTP conversation', () => {
  test('what arrives is what was rendered: Unicode, long lines, lines of a dot, one recipient', async () => {
    const sink = await startSmtpSink();
    cleanUp.push(sink.stop);
    const running = await start(sink.url);
    const long = 'ä'.repeat(2000);
    const text = `Grüße, {{ name }} 🎉\n.\n..\n.hidden\n${long}\nend`;
    const html = `<p>{{ name }} 🎉</p>\n.\n<p>${'x'.repeat(2000)}</p>`;
    const id = await sendOne(running, {
      content: { email: { subject: 'Ünïcode 🎉 {{ name }}', text, html } },
      data: { name: 'Zoë <b>' },
    });
    const message = await ended(running.tidings, id);
    expect(message).toMatchObject({ status: 'sent', attempts: [{ outcome: 'sent', provider: 'smtp' }] });

    const [mail] = await sink.waitFor(1);
    if (mail === undefined) throw new Error('no mail');
    expect(mail.recipients).toEqual(['ada@example.com']);
    expect(mail.envelopeFrom).toBe('hello@tidings.example');
    const raw = mail.raw.toString('latin1');
    expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);

    const parsed = await PostalMime.parse(mail.raw);
    const fill = (source: string, name: string) => source.replaceAll('{{ name }}', name);
    expect(parsed.subject).toBe('Ünïcode 🎉 Zoë <b>');
    expect(parsed.to).toMatchObject([{ address: 'ada@example.com', name: 'Ada Lovelace' }]);
    expect(parsed.text?.replaceAll('\r\n', '\n').trimEnd()).toBe(fill(text, 'Zoë <b>'));
    expect(parsed.html?.replaceAll('\r\n', '\n').trimEnd()).toBe(fill(html, 'Zoë &lt;b&gt;'));
    expect(parsed.messageId).toBe(`<${id}@tidings.example>`);
  });

  test('what an e-mail has beside its content arrives word for word, with a stored template too', async () => {
    const sink = await startSmtpSink();
    cleanUp.push(sink.stop);
    const running = await start(sink.url);
    const octets = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
    const email = {
      replyTo: ['Acme <help@acme.example>'],
      headers: [{ name: 'X-Note', value: '{{ name }}' }],
      attachments: [
        {
          filename: '{{ name }}.bin',
          contentType: 'application/octet-stream',
          content: octets.toString('base64'),
        },
      ],
      tags: ['invoice'],
    };
    const welcome = { template: 'welcome_email', content: undefined };
    const link = { ...data, link: 'https://example.com/' };
    await sendOne(running, { email });
    await sendOne(running, { email, ...welcome, data: link });
    for (const mail of await sink.waitFor(2)) {
      const parsed = await PostalMime.parse(mail.raw);
      expect(parsed.subject).toContain('Ada');
      expect(parsed.replyTo).toEqual([{ name: 'Acme', address: 'help@acme.example' }]);
      expect(parsed.headers).toContainEqual(expect.objectContaining({ key: 'x-note', value: '{{ name }}' }));
      expect(parsed.attachments).toMatchObject([{ filename: '{{ name }}.bin' }]);
      expect(Buffer.from(parsed.attachments[0]?.content as ArrayBuffer)).toEqual(octets);
    }
  });

  test('with a DKIM key set, what arrives is signed', async () => {
    const sink = await startSmtpSink();
    cleanUp.push(sink.stop);
    const { key, verify } = makeDkimKey();
    const env = {
      DKIM_DOMAIN: key.domain,
      DKIM_SELECTOR: key.selector,
      DKIM_PRIVATE_KEY: key.privateKey.replaceAll('\n', '\\n'),
    };
    await sendOne(await start(sink.url, quick, env));
    const [mail] = await sink.waitFor(1);
    expect(await verify(mail?.raw ?? Buffer.of())).toMatchObject([{ result: 'pass' }]);
  });

  test('a stored template is sent by its key, a missing variable is refused by name', async () => {
    const sink = await startSmtpSink();
    cleanUp.push(sink.stop);
    const running = await start(sink.url);
    const { tidings } = running;
    await expect(
      tidings.notifications.send.mutate({ to, template: 'welcome_email', data: { name: 'Ada' } }),
    ).rejects.toMatchObject({
      code: 'invalid_variables',
      problem: { errors: [{ pointer: '/data/link' }] },
    });
    await tidings.notifications.send.mutate({
      to,
      template: 'welcome_email',
      data: { name: 'Ada', link: 'https://example.com/?a=1&b=2' },
    });
    const [mail] = await sink.waitFor(1);
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(parsed.subject).toBe('Welcome, Ada!');
    expect(parsed.html).toContain('href="https://example.com/?a=1&amp;b=2"');
  });
});

describe('when the server does not take it', () => {
  test('a transient 451 is tried again, and every copy has one Message-ID, Date and body', async () => {
    const replies = ['451 4.3.0 Later', '421 4.3.2 Much later', '250 2.0.0 Ok'];
    const server = await scripted({ body: (count) => replies[count - 1] ?? 'drop' });
    // A Date counts seconds: the hold makes sure that the last copy is made in another one.
    const running = await start(server.url, { ...quick, holdBaseMs: 1100 });
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'sent', failures: 1, reason: null });
    expect(message.attempts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['transient', '451 4.3.0'],
      ['held', '421 4.3.2'],
      ['sent', '250 2.0.0'],
    ]);
    expect(message.timeline.map(({ status }) => status)).toEqual([
      'queued',
      'sending',
      'retrying',
      'sending',
      'retrying',
      'sending',
      'sent',
    ]);
    expect(server.messages).toHaveLength(3);
    expect(new Set(server.messages.map(({ raw }) => raw.toString('latin1'))).size).toBe(1);
  });

  test('a 550 ends it at once, with code and reason', async () => {
    const server = await scripted({ rcpt: '550 5.7.1 Not here' });
    const running = await start(server.url);
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({
      status: 'failed',
      reason: 'rejected',
      attempts: [{ outcome: 'rejected', code: '550 5.7.1', response: expect.stringContaining('Not here') }],
    });
  });

  test('an address that does not exist bounces', async () => {
    const server = await scripted({ rcpt: '550 5.1.1 No such user' });
    const running = await start(server.url);
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'bounced', reason: 'invalid_address' });
  });

  test('a budget that is used up makes a dead letter', async () => {
    const server = await scripted({ mail: '451 4.7.1 Greylisted' });
    const running = await start(server.url);
    const message = await ended(running.tidings, await sendOne(running));
    expect(message).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', failures: 4 });
    expect(message.attempts).toHaveLength(4);
  });

  test('a refused connection holds without counting failures, and all goes out when it is back', async () => {
    const gone = await startScriptedSmtp();
    await gone.stop();
    const running = await start(gone.url);
    const ids = await Promise.all(Array.from({ length: 20 }, () => sendOne(running)));
    const held = await until(
      () => Promise.all(ids.map((id) => running.tidings.messages.get.query({ id }))),
      (messages) => messages.some(({ attempts }) => attempts.some(({ outcome }) => outcome === 'held')),
    );
    expect(held.every(({ endedAt }) => endedAt === null)).toBe(true);
    const sink = await startSmtpSink({ port: gone.port });
    cleanUp.push(sink.stop);
    const messages = await Promise.all(ids.map((id) => ended(running.tidings, id)));
    for (const message of messages) expect(message).toMatchObject({ status: 'sent', failures: 0 });
    expect(sink.received).toHaveLength(20);
  });

  test('however long a server turns everybody away, each message tries once and one probe asks for all', async () => {
    const server = await scripted({ greeting: (count) => (count <= 36 ? '421 4.3.2 Busy' : '220 Hello') });
    const running = await start(server.url, { ...quick, holdBaseMs: 50, holdCapMs: 50 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => sendOne(running)));
    const messages = await Promise.all(ids.map((id) => ended(running.tidings, id, 100_000)));
    const held = messages.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome === 'held'));
    expect(messages.every(({ status, failures }) => status === 'sent' && failures === 0)).toBe(true);
    expect(held.length).toBeLessThanOrEqual(26);
  }, 120_000);

  test('a connection lost after the body is ambiguous: it is sent again under the same identity', async () => {
    const server = await scripted({ body: (count) => (count === 1 ? 'drop' : '250 2.0.0 Ok') });
    const running = await start(server.url);
    const message = await ended(running.tidings, await sendOne(running));
    expect(message.attempts.map(({ outcome }) => outcome)).toEqual(['ambiguous', 'sent']);
    expect(new Set(server.messages.map(({ raw }) => raw.toString('latin1'))).size).toBe(1);
  });
});

describe('urgency and limits', () => {
  test('a critical message does not wait behind slow bulk ones', async () => {
    const sink = await startSmtpSink({ acceptDelayMs: 1500 });
    cleanUp.push(sink.stop);
    const running = await start(sink.url, quick, { SMTP_CONNECTIONS: '8' });
    const items = Array.from({ length: 60 }, (_, index) => ({
      to: { email: `bulk${index}@example.com` },
      content,
      data,
      lane: 'bulk' as const,
    }));
    await running.tidings.notifications.sendMany.mutate({ items });
    await sink.waitFor(1);
    const id = await sendOne(running, { lane: 'critical' });
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'sent' });
    // All eight connections of the bulk messages are busy for more than ten seconds.
    expect(sink.received.length).toBeLessThan(30);
  });

  test('no more messages go out per second than the limit says', async () => {
    const server = await scripted({});
    const env = { SMTP_URL: server.url, EMAIL_FROM: 'hello@tidings.example', EMAIL_RATE_LIMIT: '10' };
    const running = await startTidings({ dataDir, env });
    cleanUp.push(running.stop);
    const items = Array.from({ length: 35 }, () => ({ to, content, data }));
    await running.tidings.notifications.sendMany.mutate({ items });
    await until(
      () => server.messages.length,
      (count) => count === 35,
    );
    const times = server.messages.map(({ at }) => at);
    // BullMQ counts starts in fixed windows of a second. Half a second of arrivals touches two of them at most,
    // even when a busy machine delays one mail by half a second more than another.
    const busiest = times.map((start) => times.filter((at) => at >= start && at < start + 500).length);
    expect(Math.max(...busiest)).toBeLessThanOrEqual(20);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2000);
  });
});

describe('time', () => {
  test('what is scheduled waits for its time', async () => {
    const server = await scripted({});
    const running = await start(server.url);
    const sendAt = new Date(Date.now() + 1500);
    const id = await sendOne(running, { sendAt: sendAt.toISOString() });
    expect(await running.tidings.messages.get.query({ id })).toMatchObject({ status: 'scheduled' });
    const message = await ended(running.tidings, id);
    expect(message.timeline.map(({ status }) => status)).toEqual(['scheduled', 'sending', 'sent']);
    expect(server.messages[0]?.at).toBeGreaterThanOrEqual(sendAt.getTime());
  });

  test('what could not be sent in time expires', async () => {
    const gone = await startScriptedSmtp();
    await gone.stop();
    const running = await start(gone.url);
    const id = await sendOne(running, { expiresAt: new Date(Date.now() + 1500).toISOString() });
    expect(await ended(running.tidings, id)).toMatchObject({ status: 'expired', reason: 'expired' });
  });

  test('what is canceled in time is never sent, and too late is said so', async () => {
    const server = await scripted({});
    const running = await start(server.url);
    const { tidings } = running;
    const sendAt = new Date(Date.now() + 3600_000).toISOString();
    const waiting = await tidings.notifications.send.mutate({ to, content, data, sendAt });
    expect(await tidings.notifications.cancel.mutate({ id: waiting.id })).toMatchObject({
      messages: [{ result: 'canceled' }],
    });
    expect(await tidings.notifications.get.query({ id: waiting.id })).toMatchObject({ status: 'ended' });
    const gone = await tidings.notifications.send.mutate({ to, content, data });
    await ended(tidings, gone.messages[0]?.id ?? '');
    expect(await tidings.notifications.cancel.mutate({ id: gone.id })).toMatchObject({
      messages: [{ result: 'too_late' }],
    });
    expect(server.messages).toHaveLength(1);
  });

  test('what is being sent when it is canceled ends canceled instead of being retried', async () => {
    const server = await scripted({ mail: 'silence' });
    const running = await start(server.url);
    const { tidings } = running;
    const { id, messages } = await tidings.notifications.send.mutate({ to, content, data });
    await until(
      () => server.commands.some((line) => line.startsWith('MAIL')),
      (seen) => seen,
    );
    expect(await tidings.notifications.cancel.mutate({ id })).toMatchObject({
      messages: [{ result: 'pending' }],
    });
    await server.dropAll();
    expect(await ended(tidings, messages[0]?.id ?? '')).toMatchObject({
      status: 'canceled',
      reason: 'canceled_by_request',
    });
  });
});

test('one e-mail and a push for each device of a recipient, and honest ends where there is no address', async () => {
  const running = await startTidings({ dataDir });
  cleanUp.push(running.stop);
  const { tidings } = running;
  await tidings.recipients.upsert.mutate({ externalId: 'ada', name: 'Ada', email: 'ada@example.com' });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'one' });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'two' });
  await tidings.recipients.upsert.mutate({ externalId: 'bob' });
  const both = { ...content, push: { title: 'Hi {{ name }}', body: 'there' } };
  const ada = await tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content: both, data });
  expect(ada.messages.map(({ channel }) => channel)).toEqual(['email', 'push', 'push']);
  for (const { id } of ada.messages) expect(await ended(tidings, id)).toMatchObject({ status: 'sent' });
  expect(await tidings.notifications.get.query({ id: ada.id })).toMatchObject({ status: 'completed' });
  const bob = await tidings.notifications.send.mutate({ to: { recipientId: 'bob' }, content: both, data });
  expect(bob).toMatchObject({
    status: 'ended',
    messages: [
      { channel: 'email', status: 'skipped', reason: 'no_address' },
      { channel: 'push', status: 'skipped', reason: 'no_device' },
    ],
  });
});
