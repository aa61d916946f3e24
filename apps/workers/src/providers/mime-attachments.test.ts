import PostalMime, { decodeWords } from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { createEmailComposer } from './email-composer.ts';
import type { Attachment, RenderedEmail } from './provider.ts';

const { compose } = createEmailComposer({ from: 'Acme <hello@acme.example>' });

const content: RenderedEmail = {
  channel: 'email',
  subject: 'Your invoice',
  text: 'Here it is.',
  html: '<p>Here it is. <img src="cid:logo@acme"></p>',
};
const invoice: Attachment = {
  filename: 'Rechnung für März 2027 – Nr. 1042.pdf',
  contentType: 'application/pdf',
  content: Buffer.from('%PDF-1.7\r\n.\n..\r\n\0\xff').toString('base64'),
};
const logo: Attachment = {
  filename: 'logo.png',
  contentType: 'image/png',
  content: Buffer.from('\x89PNG').toString('base64'),
  contentId: 'logo@acme',
};

function composed(more: Partial<RenderedEmail>): Promise<Buffer> {
  return compose({
    messageId: 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
    address: 'ada@example.com',
    platform: null,
    toName: 'Ada',
    date: Date.UTC(2027, 1, 3),
    content: { ...content, ...more },
  });
}

/** The types of a mail's parts in the order they begin in. */
function typesOf(raw: Buffer): string[] {
  return [...raw.toString('latin1').matchAll(/^Content-Type: ([^;\r]+)/gm)].map(([, type = '']) => type);
}

async function filesOf(raw: Buffer) {
  const { attachments } = await PostalMime.parse(raw);
  return attachments.map(({ filename, mimeType, contentId, content: octets }) => ({
    filename,
    contentType: mimeType,
    content: Buffer.from(octets as ArrayBuffer).toString('base64'),
    ...(contentId && { contentId: contentId.slice(1, -1) }),
  }));
}

describe('attachments', () => {
  test('stand beside the text, what the HTML shows beside the HTML', async () => {
    const raw = await composed({ attachments: [logo, invoice] });
    expect(typesOf(raw)).toEqual([
      ...['multipart/mixed', 'multipart/alternative', 'text/plain'],
      ...['multipart/related', 'text/html', 'image/png', 'application/pdf'],
    ]);
    expect(raw.toString()).toContain('Content-ID: <logo@acme>');
    const parsed = await PostalMime.parse(raw);
    expect(parsed.attachments.map(({ disposition }) => disposition)).toEqual(['inline', 'attachment']);
    expect([parsed.text?.trim(), parsed.html?.trim()]).toEqual([content.text, content.html]);
  });

  test('arrive to the octet and by their name', async () => {
    const megabyte = Buffer.from(Array.from({ length: 700 * 1024 }, (_, index) => (index * 7919) % 256));
    const large = { ...invoice, filename: 'a"b;c=d.bin', content: megabyte.toString('base64') };
    const text = { ...invoice, filename: '日本語😀.txt', contentType: 'text/plain; charset=utf-16le' };
    const raw = await composed({ attachments: [invoice, large, text] });
    expect(await filesOf(raw)).toEqual([invoice, large, { ...text, contentType: 'text/plain' }]);
    const lines = raw.toString('latin1').split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(raw.toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n]|[^\0-\x7f]/);
  });

  test.each([
    ['text alone', { html: undefined }, ['multipart/mixed', 'text/plain', 'image/png', 'application/pdf']],
    [
      'HTML alone',
      { text: undefined },
      ['multipart/mixed', 'multipart/related', 'text/html', 'image/png', 'application/pdf'],
    ],
    ['nothing', { text: '', html: '' }, ['multipart/mixed', 'text/plain', 'image/png', 'application/pdf']],
  ])('go with %s', async (_, shape, types) => {
    const raw = await composed({ ...shape, attachments: [logo, invoice] });
    expect(typesOf(raw)).toEqual(types);
    expect(await filesOf(raw)).toEqual([logo, invoice]);
  });

  test('a file alone, of whatever type, is a file and no text of the mail', async () => {
    const page = { ...invoice, contentType: 'text/html' };
    const raw = await composed({ text: undefined, html: undefined, attachments: [page] });
    expect(await filesOf(raw)).toEqual([page]);
    expect((await PostalMime.parse(raw)).html).toBeUndefined();
  });

  test('two copies are byte-identical', async () => {
    const beside = { attachments: [logo, invoice], headers: [{ name: 'X-A', value: 'ü' }] };
    expect(await composed(structuredClone(beside))).toEqual(await composed(beside));
  });
});

describe('fields', () => {
  const shapes: Array<[shape: string, attachments: Attachment[] | undefined]> = [
    ['an e-mail', undefined],
    ['an e-mail with attachments', [invoice]],
  ];

  test.each(shapes)('%s says where answers go, and has the fields it was given', async (_, attachments) => {
    const value = `Grüße, {{ name }} ${'word '.repeat(60)}`.trim();
    const parsed = await PostalMime.parse(
      await composed({
        attachments,
        replyTo: ['Zoë <help@acme.example>', '"Acme, Inc." <a@acme.example>', 'b@acme.example'],
        headers: [
          { name: 'X-Note', value },
          { name: 'List-Id', value: '"News" <news.acme.example>' },
          { name: 'References', value: '<a@acme.example> <b@acme.example>' },
        ],
      }),
    );
    expect(parsed.replyTo).toEqual([
      { name: 'Zoë', address: 'help@acme.example' },
      { name: 'Acme, Inc.', address: 'a@acme.example' },
      { name: '', address: 'b@acme.example' },
    ]);
    const field = (name: string) => decodeWords(parsed.headers.find(({ key }) => key === name)?.value ?? '');
    expect(field('x-note')).toBe(value);
    expect(field('list-id')).toBe('"News" <news.acme.example>');
    expect(parsed.references).toBe('<a@acme.example> <b@acme.example>');
  });

  test.each(shapes)('%s with a place to unsubscribe says so for one click', async (_, attachments) => {
    const url = `https://notify.acme.example/u/${'t'.repeat(120)}?a=<b>`;
    const raw = (await composed({ attachments, unsubscribeUrl: url })).toString();
    expect(raw.replaceAll('\r\n ', ' ')).toContain(
      `List-Unsubscribe: <https://notify.acme.example/u/${'t'.repeat(120)}?a=%3Cb%3E>\r\n` +
        'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n',
    );
  });

  test.each(shapes)('%s has no other field, whatever those it was given hold', async (_, attachments) => {
    const evil = 'x\r\nBcc: eve@example.com\r\n\r\n<script>';
    const raw = await composed({
      attachments: attachments?.map((file) => ({
        ...file,
        filename: evil,
        contentType: `a/b${evil}`,
        contentId: evil,
      })),
      headers: [
        { name: 'X-A', value: evil },
        { name: 'X-B\r\nBcc', value: 'eve@example.com' },
        { name: '\r\n', value: 'eve@example.com' },
      ],
      replyTo: [`Eve ${evil} <eve@example.com>`, 'help@acme.example'],
    });
    const { headers, bcc } = await PostalMime.parse(raw);
    expect(bcc).toBeUndefined();
    expect(headers.map(({ key }) => key).sort()).toEqual(
      [
        ...['content-type', 'date', 'from', 'message-id', 'mime-version', 'reply-to', 'subject', 'to'],
        ...['x-a', 'x-bbcc'],
      ].sort(),
    );
  });
});
