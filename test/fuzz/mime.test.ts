import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { expect, test } from 'vitest';
import { createEmailComposer } from '../../apps/workers/src/providers/email-composer.ts';
import { composeEmail, type EmailToCompose, type PlainEmail } from '../../apps/workers/src/providers/mime.ts';
import { composeWithAttachments } from '../../apps/workers/src/providers/mime-attachments.ts';
import { makeDkimKey } from '../support/dkim-key.ts';
import { fuzzRuns } from '../support/fuzz.ts';

/** What means something to a header, a body or an encoding. */
const marks = [
  ...['\n', '\r', '\r\n', '\n\n', '\n.\n', '\n..', ' \n', '\t\r\n', ' ', '  ', '   ', '\t', '\u00a0'],
  ...['\0', '\v', '\u001b', '\u007f', '\u0085', '\u00ad', '\u2028', '\ufeff', '\ud800', '\udc00'],
  ...['=', '=20', '=\r\n', '=?', '?=', '=?UTF-8?Q?a_b?=', '=?utf-8?B?YQ==?=', '=?utf-8?X?x?=', '_'],
  ...['"', "'", '\\', ',', '(', ')', '<', '>', '[', ']', '@', ';', ':', '--', '--_NmP-', '<p>', '&amp;'],
  ...['é', 'Grüße', 'naïve', '“', '–', 'שלום', 'مرحبا', '日本語', 'か\u3099', '😀', '👩‍👩‍👧', 'e\u0301'],
];

const oftenRepeated = ['x', 'word ', 'word, ', '7', '=', '.', ' ', 'ü', '語', '😀', 'xü', 'line\n', '\n'];
/** About as long as a line may be, or far longer. */
const lengths = fc.oneof(
  fc.integer({ min: 74, max: 78 }),
  fc.integer({ min: 40, max: 80 }),
  fc.integer({ min: 0, max: 400 }),
  fc.integer({ min: 900, max: 1100 }),
);

const mark = fc.constantFrom(...marks);
const word = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
const run = fc.tuple(fc.constantFrom(...oftenRepeated), lengths).map(([unit, times]) => unit.repeat(times));
const allOf = (...pieces: Array<fc.Arbitrary<string>>) =>
  fc.array(fc.oneof(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));

const text = fc.oneof(
  { weight: 3, arbitrary: allOf(word, mark) },
  { weight: 3, arbitrary: allOf(word, mark, run) },
  { weight: 2, arbitrary: allOf(word, fc.constant(' ')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 100 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 100 }) },
  { weight: 1, arbitrary: run },
);

// Nodemailer's stream holds back the white space at a body's end, and breaks a long last line elsewhere for it.
const body = text.filter((written) => !/[^\r\n]{5}[ \t]$/.test(written));

const madeOf = (letters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength, size: 'max' });
const localParts = [
  ...[
    'a.b',
    'a..b',
    '.a',
    'a.',
    'a b',
    '"a b"',
    '"a"',
    'a"b',
    'a,b',
    'a@b',
    'ü',
    "o'neil",
    '!#$%&*/=?^`{|}~',
  ],
  ...['(c)a', '<a', 'a>', 'a\\', 'x'.repeat(64), 'x'.repeat(90)],
];
const domains = [
  ...[
    'example.com',
    'a.b-c.example',
    'Mail.example',
    'EXAMPLE.COM',
    'example.com.',
    'localhost',
    'a_b.example',
    '',
    ' ',
  ],
  ...['bücher.example', 'faß.example', '例え.jp', 'مثال.example', 'xn--bcher-kva.example', 'xn--a.example'],
  ...['127.0.0.1', '127.1', 'a.0x7f', '1.2.3.4.5', '[127.0.0.1]', '[IPv6:::1]', 'a.0', 'example.1com'],
  ...['a--b.example', '-a.example', 'a-.example', 'a..b', '.a', 'a/b.example', 'a%41.example', 'a.c-om'],
  ...[`${'l'.repeat(63)}.com`, `${'l'.repeat(64)}.com`, `${'long.'.repeat(60)}com`],
];
const localPart = fc.oneof(madeOf('abcdeA7_-+.', 20), fc.constantFrom(...localParts));
const domain = fc.oneof(madeOf('abcdeA7-.', 20), fc.constantFrom(...domains));
const address = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(localPart, domain).map((parts) => parts.join('@')) },
  { weight: 1, arbitrary: text },
);

const messageId = fc.oneof(
  { weight: 4, arbitrary: fc.uuid().map((uuid) => `msg_${uuid.replaceAll('-', '')}`) },
  { weight: 2, arbitrary: madeOf('abc7_-', 70) },
  // About as long as a boundary's field may be before it is folded, and as its value may be at all.
  { weight: 2, arbitrary: fc.constantFrom(12, 13, 14, 15, 48, 49, 50, 51, 60, 61).map((n) => 'm'.repeat(n)) },
  { weight: 1, arbitrary: fc.constantFrom('a\u0007b', 'a\u0085b', 'a\tb c', '<a>', '\n') },
  { weight: 1, arbitrary: text.filter((id) => id !== '') },
);

const date = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: Date.UTC(2100) }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 8.64e15, -8.64e15, Number.NaN) },
);

const part = fc.option(body, { nil: undefined, freq: 4 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });

const messageIds = fc
  .array(madeOf('abc7_-', 60), { minLength: 1, maxLength: 20 })
  .map((ids) => ids.map((id) => `<${id}@example.com>`).join(' '));
// Named as nodemailer spells them, for it spells names anew.
const headers = fc.array(
  fc.oneof(
    fc.record({
      name: fc.constantFrom('X-A', `X-${'a'.repeat(75)}`, 'Feedback-ID', 'Comments', 'List-ID'),
      value: text,
    }),
    fc.record({ name: fc.constantFrom('In-Reply-To', 'References'), value: messageIds }),
  ),
  { maxLength: 5 },
);
const replyTo = fc.array(
  fc.oneof(
    address,
    fc.tuple(text, address).map(([name, at]) => `${name} <${at}>`),
    fc.tuple(text, address).map(([name, at]) => `"${name}" <${at}>`),
  ),
  { maxLength: 5 },
);
const unsubscribeUrl = fc
  .oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    text.map((path) => `https://a.example/${path}`),
  )
  .filter((url) => URL.canParse(url));

const email: fc.Arbitrary<EmailToCompose<PlainEmail>> = fc.record({
  messageId,
  from: fc.record({ name: text, address }),
  to: address,
  toName: fc.option(text),
  date,
  content: fc.record({
    channel: fc.constant('email' as const),
    subject: text,
    text: part,
    html: part,
    headers: optional(headers),
    replyTo: optional(replyTo),
    unsubscribeUrl: optional(unsubscribeUrl),
  }),
});

test('an e-mail has the octets that nodemailer itself gives it, whatever it is made of', async () => {
  await fc.assert(
    fc.asyncProperty(email, async (mail) => {
      const built = await composeWithAttachments(structuredClone(mail));
      expect(composeEmail(mail).toString('latin1')).toBe(built.toString('latin1'));
    }),
    fuzzRuns(500),
  );
});

const mediaType = fc.oneof(
  fc.constantFrom(
    'application/pdf',
    'image/png',
    'text/plain; charset=utf-8',
    'text/html',
    'x/y; name="a b"',
  ),
  text.map((more) => `text/csv${more}`),
);
const attachments = fc.array(
  fc.record(
    {
      filename: text,
      contentType: mediaType,
      content: fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets).toString('base64')),
      contentId: text,
    },
    { requiredKeys: ['filename', 'contentType', 'content'] },
  ),
  { maxLength: 4 },
);
/** From and to somebody, and the rest anything at all. */
const hostileEmail = fc
  .record({
    email,
    headers: fc.array(fc.record({ name: fc.constant('X-A'), value: text }), { maxLength: 3 }),
    attachments,
  })
  .map(({ email: { content, ...envelope }, ...beside }) => ({
    ...envelope,
    messageId: 'msg_1',
    from: { name: 'Acme', address: 'hello@acme.example' },
    to: 'ada@example.com',
    date: 0,
    content: { ...content, ...beside },
  }));

const everyMailHas = ['date', 'from', 'message-id', 'mime-version', 'to', 'content-type'];
const fieldNames = new Set([
  ...everyMailHas,
  ...['subject', 'reply-to', 'x-a', 'content-transfer-encoding', 'content-disposition', 'content-id'],
  ...['list-unsubscribe', 'list-unsubscribe-post'],
]);

test('nothing that an e-mail is made of begins a field, a part or another mail, and each file arrives as it was', async () => {
  const { compose } = createEmailComposer({ from: 'Acme <hello@acme.example>' });
  await fc.assert(
    fc.asyncProperty(hostileEmail, async (mail) => {
      const { content, to, toName, date: at } = mail;
      const raw = await compose({
        messageId: 'msg_1',
        address: to,
        platform: null,
        toName,
        date: at,
        content,
      });
      const octets = raw.toString('latin1');
      expect(octets).not.toMatch(/[^\r]\n|\r(?!\n)|[^\0-\x7f]/);
      const parsed = await PostalMime.parse(raw);
      const names = parsed.headers.map(({ key }) => key);
      expect(names.filter((name) => !fieldNames.has(name))).toEqual([]);
      for (const name of everyMailHas) expect(names.filter((one) => one === name)).toHaveLength(1);
      expect(names.filter((name) => name === 'x-a').length).toBeLessThanOrEqual(content.headers.length);
      expect(parsed.to).toHaveLength(1);
      expect(parsed.cc ?? parsed.bcc).toBeUndefined();
      const files = parsed.attachments.map(({ content: file }) =>
        Buffer.from(file as ArrayBuffer).toString('base64'),
      );
      expect(files.sort()).toEqual(content.attachments.map(({ content: file }) => file).sort());
    }),
    fuzzRuns(300),
  );
});

test('the signature of an e-mail holds, whatever it is made of', async () => {
  const { key, verify } = makeDkimKey({ bits: 1024 });
  const { compose } = createEmailComposer({ from: 'Acme <hello@acme.example>', dkim: key });
  await fc.assert(
    fc.asyncProperty(hostileEmail, async ({ content, to, toName, date: at }) => {
      const raw = await compose({
        messageId: 'msg_1',
        address: to,
        platform: null,
        toName,
        date: at,
        content,
      });
      expect(await verify(raw)).toMatchObject([{ result: 'pass' }]);
    }),
    fuzzRuns(100),
  );
});
