import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeEmail, type EmailToCompose } from '../../apps/workers/src/providers/mime.ts';
import { buildWithNodemailer } from '../support/build-with-nodemailer.ts';
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
const email: fc.Arbitrary<EmailToCompose> = fc.record({
  messageId,
  from: fc.record({ name: text, address }),
  to: address,
  toName: fc.option(text),
  date,
  content: fc.record({ channel: fc.constant('email' as const), subject: text, text: part, html: part }),
});

test('an e-mail has the octets that nodemailer itself gives it, whatever it is made of', async () => {
  await fc.assert(
    fc.asyncProperty(email, async (mail) => {
      const built = await buildWithNodemailer(structuredClone(mail));
      expect(composeEmail(mail).toString('latin1')).toBe(built.toString('latin1'));
    }),
    fuzzRuns(500),
  );
});
