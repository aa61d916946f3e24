import PostalMime from 'postal-mime';
import { afterEach, describe, expect, test } from 'vitest';
import { type SmtpSink, startSmtpSink } from '../../../../test/support/smtp-sink.ts';
import { composeEmail, type EmailToCompose, type PlainEmail, parseMailbox } from './mime.ts';
import { composeWithAttachments } from './mime-attachments.ts';
import { createSmtpProvider } from './smtp.ts';

const email: EmailToCompose<PlainEmail> = {
  messageId: 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
  from: { name: 'Acme, Ünlimited', address: 'hello@acme.example' },
  to: 'ada@example.com',
  toName: 'Ada Lövelace 😀',
  date: Date.UTC(2026, 1, 3, 4, 5, 6),
  content: {
    channel: 'email',
    subject: 'Ünïcode 😀 日本語',
    text: 'Grüße 😀\n日本語',
    html: '<p>Grüße 😀</p>\n<p>日本語</p>',
  },
};

function withContent(content: Partial<PlainEmail>): EmailToCompose<PlainEmail> {
  return { ...email, content: { ...email.content, ...content } };
}

function asWritten(part: string | undefined): string | undefined {
  return part?.replaceAll('\r\n', '\n').replace(/\n$/, '');
}

function lineLengths(raw: Buffer): number[] {
  return raw
    .toString('latin1')
    .split('\r\n')
    .map((line) => line.length);
}

describe('composeEmail', () => {
  test('what a receiver reads is what was written, in any script', async () => {
    const parsed = await PostalMime.parse(composeEmail(email));
    expect(parsed.subject).toBe(email.content.subject);
    expect(asWritten(parsed.text)).toBe(email.content.text);
    expect(asWritten(parsed.html)).toBe(email.content.html);
    expect(parsed.from).toEqual(email.from);
    expect(parsed.to).toEqual([{ name: email.toName, address: email.to }]);
    expect(parsed.messageId).toBe(`<${email.messageId}@acme.example>`);
    expect(parsed.date).toBe('2026-02-03T04:05:06.000Z');
  });

  test('two copies are byte-identical', async () => {
    expect(composeEmail(email)).toEqual(composeEmail(structuredClone(email)));
  });

  test.each([
    ['words', 'Hello Ada\n\nWelcome.\n'],
    ['nothing', ''],
    ['an empty line at the end', 'a\n\n'],
    ['spaces at ends of lines', 'a  \n b\t\n '],
    ['some other letters', 'Grüße – “Ada”, café, naïve\n'.repeat(20)],
    ['another script', 'こんにちは世界。'.repeat(60)],
    ['astral characters', '😀👩‍👩‍👧'.repeat(80)],
    ['long lines', `${'x'.repeat(2000)}\n${'y '.repeat(900)}`],
    ['more than nodemailer looks through', 'Hello Ada.\n'.repeat(12_000)],
    ['equals signs and dots', '=\n.\n=20=\n..\n=E2=80\n'.repeat(30)],
    ['every printable character', Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')],
  ])('a body of %s has the octets that nodemailer itself gives it', async (_name, body) => {
    for (const content of [{ text: body, html: body }, { text: body }, { html: body }]) {
      const mail = { ...email, content: { channel: 'email' as const, subject: 'Same', ...content } };
      expect(composeEmail(mail).toString('latin1')).toBe(
        (await composeWithAttachments(mail)).toString('latin1'),
      );
    }
  });

  test.each(['text', 'html'] as const)('a mail of %s alone is one part', async (kind) => {
    const content = { channel: 'email' as const, subject: 'One', [kind]: '<p>only</p>' };
    const parsed = await PostalMime.parse(composeEmail({ ...email, content }));
    expect(parsed[kind]?.trimEnd()).toBe('<p>only</p>');
    expect(parsed[kind === 'text' ? 'html' : 'text']).toBeUndefined();
  });

  test.each([
    ['a 2,000-character line', 'x'.repeat(2000)],
    ['a 2,000-character line in another script', '語'.repeat(2000)],
    ['words on one long line', 'word '.repeat(1000)],
  ])('%s arrives whole, and no line is over 78 octets', async (_name, text) => {
    const raw = composeEmail(withContent({ text, html: `<p>${text}</p>` }));
    expect(Math.max(...lineLengths(raw))).toBeLessThanOrEqual(78);
    expect(asWritten((await PostalMime.parse(raw)).text)).toBe(text);
  });

  test.each([
    ['without spaces', 'x'.repeat(2000)],
    ['of spaces', `a${' '.repeat(1500)}b`],
    ['in another script', '語'.repeat(400)],
    ['that looks encoded', '=?UTF-8?Q?hidden?='],
  ])('a subject %s arrives whole, and no line is over 78 octets', async (_name, subject) => {
    const raw = composeEmail(withContent({ subject }));
    expect(Math.max(...lineLengths(raw))).toBeLessThanOrEqual(78);
    expect((await PostalMime.parse(raw)).subject).toBe(subject);
  });

  test.each([
    ['LF', 'a\n.\nb'],
    ['CRLF', 'a\r\n.\r\nb'],
    ['CR', 'a\r.\rb'],
    ['a mixture', 'ü\n\r\n\r.\n\n'],
  ])('line breaks written as %s go out as CRLF', async (_name, text) => {
    const raw = composeEmail(withContent({ text, html: text })).toString('latin1');
    expect(raw).not.toMatch(/[^\r]\n|\r(?!\n)/);
  });

  test('a line break in subject or name begins no other header', async () => {
    const injected = 'Hi\r\nBcc: eve@example.com\n\tX-Evil: 1\u0000\u2028end';
    const raw = composeEmail({ ...withContent({ subject: injected }), toName: injected });
    const parsed = await PostalMime.parse(raw);
    expect(parsed.subject).toBe('Hi Bcc: eve@example.com X-Evil: 1 end');
    expect(parsed.to).toEqual([{ name: 'Hi Bcc: eve@example.com X-Evil: 1 end', address: email.to }]);
    expect(parsed.headers.map(({ key }) => key).sort()).toEqual(
      ['content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to'].sort(),
    );
  });
});

describe('over a real SMTP socket', () => {
  let sink: SmtpSink | undefined;
  afterEach(() => sink?.stop());

  test('lines of a single dot, long lines and any script arrive as composed', async () => {
    sink = await startSmtpSink();
    const content = { ...email.content, text: `.\n..\n.x\n${'x'.repeat(2000)}\n😀\n.` };
    const provider = createSmtpProvider({ url: sink.url, from: 'Acme <hello@acme.example>' });
    const { messageId, date, toName } = email;
    const delivery = { messageId, date, toName, address: email.to, platform: null, content };
    expect(await provider.send(delivery)).toMatchObject({ outcome: 'sent', code: '250' });
    const [mail] = await sink.waitFor(1);
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(asWritten(parsed.text)).toBe(content.text);
    expect(mail?.raw).toEqual(
      composeEmail({ ...email, from: { name: 'Acme', address: 'hello@acme.example' }, content }),
    );
    expect(mail).toMatchObject({ envelopeFrom: 'hello@acme.example', recipients: ['ada@example.com'] });
    await provider.close();
  });
});

describe('parseMailbox', () => {
  test.each([
    ['Acme <hello@acme.example>', { name: 'Acme', address: 'hello@acme.example' }],
    ['hello@acme.example', { name: '', address: 'hello@acme.example' }],
    ['"Acme, Inc." <hello@acme.example>', { name: 'Acme, Inc.', address: 'hello@acme.example' }],
  ])('%s is one mailbox', (text, mailbox) => {
    expect(parseMailbox(text)).toEqual(mailbox);
  });

  test.each(['', 'Acme', 'a@b.example, c@d.example', 'Acme <>', 'Acme <hello@>', 'hello@ünï.example'])(
    '%j is refused',
    (text) => {
      expect(() => parseMailbox(text)).toThrow('not one mailbox');
    },
  );
});
