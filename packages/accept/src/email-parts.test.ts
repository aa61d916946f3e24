import { maxAttachmentBytes } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const content = { email: { subject: 's', text: 't' } };
const send = (email: unknown, more: object = {}) =>
  tested.call('POST', '/v1/notifications', { to: { email: 'ada@example.com' }, content, email, ...more });

const file = { filename: 'invoice.pdf', contentType: 'application/pdf', content: 'JVBERi0xLjcK' };
const withFile = (more: object) => ({ attachments: [{ ...file, ...more }] });
const withHeader = (name: unknown, value: unknown = 'x') => ({ headers: [{ name, value }] });

/** The schema refuses it, and names this place. */
async function expectRefused(email: unknown, pointer: unknown): Promise<void> {
  expect(await send(email)).toMatchObject({
    status: 400,
    body: {
      code: 'invalid_request',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    },
  });
}

/** What is claimed for delivery of a notification's first message. */
async function claimed(messageId: string) {
  const { claimed } = await tested.store.claim({ ids: [messageId], token: 't', owner: 'w', leaseMs: 1000 });
  return claimed[0]?.notification;
}

const firstMessage = (body: Record<string, unknown>) => (body.messages as Array<{ id: string }>)[0]?.id ?? '';

describe('what an e-mail has beside its content', () => {
  const parts = {
    replyTo: [
      'Acme <help@acme.example>',
      '"Acme, Inc." <a@acme.example>',
      'b@acme.example',
      'Zoë <c@acme.example>',
    ],
    headers: [
      { name: 'X-Campaign', value: 'spring {{ data.name }}' },
      { name: 'feedback-id', value: 'a:b:c:acme' },
    ],
    attachments: [file, { ...file, contentType: 'image/png; name="a b.png"', contentId: 'logo@acme' }],
    tags: ['invoice', 'v1.2-b_c'],
  };

  test('is kept with the notification for delivery, word for word', async () => {
    const { status, body } = await send(parts);
    expect(status).toBe(202);
    expect((await claimed(firstMessage(body)))?.emailParts).toEqual(parts);
  });

  test('goes with a template too, and with an item of a bulk request', async () => {
    const data = { name: 'Ada', link: 'https://example.com/' };
    const item = { to: { email: 'ada@example.com' }, template: 'welcome_email', data, email: parts };
    const bad = { ...item, email: withFile({ href: 'http://169.254.169.254/' }) };
    const { body } = await tested.call('POST', '/v1/notifications/bulk', { items: [item, bad] });
    const [good, refused] = body.items as Array<Record<string, unknown>>;
    expect((await claimed(firstMessage(good ?? {})))?.emailParts).toEqual(parts);
    expect(refused).toMatchObject({ error: { code: 'invalid_request' } });
  });

  test('is not kept where no e-mail is made', async () => {
    const push = { push: { title: 't', body: 'b' } };
    const device = { platform: 'fcm', token: 'token-1' };
    const { body } = await send(parts, { to: { device }, content: push });
    expect((await claimed(firstMessage(body)))?.emailParts).toBeNull();
  });

  test('belongs to what an idempotency key means', async () => {
    const request = { to: { email: 'ada@example.com' }, content };
    const post = (email?: object) =>
      tested.call('POST', '/v1/notifications', { ...request, email }, { 'idempotency-key': 'parts' });
    const first = await post({ tags: ['a'] });
    expect((await post({ tags: ['a'] })).body).toEqual(first.body);
    expect(await post({ tags: ['b'] })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await post()).toMatchObject({ status: 422 });
  });

  test('stands in an export of its recipient without the contents of files', async () => {
    await tested.call('PUT', '/v1/recipients/ada', { email: 'ada@example.com' });
    const to = { recipientId: 'ada' };
    await send(undefined, { to });
    await send(parts, { to });
    const { status, body } = await tested.call('GET', '/v1/recipients/ada/export');
    expect(status).toBe(200);
    const { items } = body.notifications as { items: Array<{ email: unknown }> };
    const { content: _, ...about } = file;
    expect(items.map(({ email }) => email)).toEqual([
      {
        ...parts,
        attachments: [
          { ...about, bytes: 9 },
          { ...about, contentType: 'image/png; name="a b.png"', contentId: 'logo@acme', bytes: 9 },
        ],
      },
      null,
    ]);
  });
});

describe('attachments', () => {
  const ofBytes = (bytes: number) => ({ ...file, content: Buffer.alloc(bytes, 1).toString('base64') });

  test('have 700 KB together at most, and the refusal says so', async () => {
    const half = maxAttachmentBytes / 2;
    expect((await send({ attachments: [ofBytes(half), ofBytes(half)] })).status).toBe(202);
    expect((await send({ attachments: [ofBytes(maxAttachmentBytes)] })).status).toBe(202);
    const { status, body } = await send({ attachments: [ofBytes(half), ofBytes(half + 1)] });
    expect({ status, errors: body.errors }).toEqual({
      status: 400,
      errors: [
        {
          pointer: '/email/attachments',
          detail: 'must have 716800 bytes (700 KB) together at most, decoded',
        },
      ],
    });
  });

  test.each([
    ['a path', withFile({ path: '/etc/passwd' }), ''],
    [
      'a path and no content',
      { attachments: [{ filename: 'a', contentType: 'a/b', path: '/etc/passwd' }] },
      '',
    ],
    ['a URL', withFile({ href: 'http://127.0.0.1/' }), ''],
    ['an encoding of its own', withFile({ encoding: 'hex' }), ''],
    ['headers of its own', withFile({ headers: { Bcc: 'x@y.example' } }), ''],
    ['a content that names a path', withFile({ content: { path: '/etc/passwd' } }), '/content'],
    ['nothing in it', withFile({ content: '' }), '/content'],
    ['base64 without padding', withFile({ content: 'QQ' }), '/content'],
    ['base64 with line ends', withFile({ content: 'QUJD\r\nREVG' }), '/content'],
    ['base64 of URLs', withFile({ content: 'a-_a' }), '/content'],
    ['a data URL', withFile({ content: 'data:text/plain;base64,QQ==' }), '/content'],
    ['a folder in its name', withFile({ filename: '../../etc/passwd' }), '/filename'],
    ['a Windows folder in its name', withFile({ filename: 'C:\\a.txt' }), '/filename'],
    ['two dots for a name', withFile({ filename: '..' }), '/filename'],
    ['a line break in its name', withFile({ filename: 'a\r\nBcc: x@y.example' }), '/filename'],
    ['256 characters for a name', withFile({ filename: 'a'.repeat(256) }), '/filename'],
    ['no type', withFile({ contentType: '' }), '/contentType'],
    ['half a type', withFile({ contentType: 'text' }), '/contentType'],
    ['a line break in its type', withFile({ contentType: 'text/plain\r\nBcc: x@y.example' }), '/contentType'],
    ['a boundary', withFile({ contentType: 'text/plain; boundary=x' }), '/contentType'],
    ['a multipart type', withFile({ contentType: 'multipart/mixed' }), '/contentType'],
    ['a mail', withFile({ contentType: 'Message/rfc822' }), '/contentType'],
    ['angle brackets in its id', withFile({ contentId: '<logo>' }), '/contentId'],
    ['a line break in its id', withFile({ contentId: 'a\r\nb' }), '/contentId'],
  ])('%s is refused', async (_, email, field) => {
    await expectRefused(email, expect.stringMatching(`^/email/attachments/0${field}`));
  });

  test.each([
    ['eleven', { attachments: Array(11).fill(file) }],
    ['two of one id', { attachments: [1, 2].map(() => ({ ...file, contentId: 'logo' })) }],
    ['none', { attachments: [] }],
    ['one that is no list', { attachments: file }],
  ])('%s are refused', async (_, email) => {
    await expectRefused(email, '/email/attachments');
  });
});

describe('fields', () => {
  test.each([
    ...['From', 'Sender', 'To', 'Cc', 'BCC', 'Subject', 'Date', 'Message-ID', 'Reply-To', 'Return-Path'],
    ...['Received', 'DKIM-Signature', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding'],
    ...['List-Unsubscribe', 'List-Unsubscribe-Post', 'Resent-To', 'Authentication-Results'],
    ...['Disposition-Notification-To', 'X-SMTPAPI', 'X-MSYS-API', 'X-MC-BccAddress', 'X-', 'Unknown'],
    ...['', 'X Y', 'X-A:', 'X-A\r\nBcc', 'X-Ä', `X-${'a'.repeat(76)}`, 5],
  ])('%j is reserved, or no name', async (name) => {
    await expectRefused(withHeader(name), '/email/headers/0/name');
  });

  test.each([
    ['X-A', 'Grüße {{ name }}'],
    ['x-entity-ref-id', '1'],
    ['In-Reply-To', '<msg_1@acme.example>'],
    ['references', '<a@x.example> <b@x.example>'],
    ['List-Id', '"News" <news.acme.example>'],
    ['Auto-Submitted', 'auto-generated'],
    ['Precedence', 'bulk'],
  ])('%s is free', async (name, value) => {
    expect((await send(withHeader(name, value))).status).toBe(202);
  });

  test.each([
    ['a line break', 'a\r\nBcc: x@y.example'],
    ['a bare LF', 'a\nb'],
    ['a tab', 'a\tb'],
    ['a line separator', 'a\u2028b'],
    ['DEL', 'a\u007fb'],
    ['nothing', ''],
    ['spaces', '   '],
    ['999 characters', 'word '.repeat(200).slice(0, 999)],
    ['900 without a space', 'a'.repeat(900)],
  ])('a value of %s is refused', async (_, value) => {
    await expectRefused(withHeader('X-A', value), '/email/headers/0/value');
  });

  test.each([
    ['In-Reply-To', 'msg_1@acme.example'],
    ['References', '<a@x.example>,<b@x.example>'],
    ['List-Id', 'Grüße <news.acme.example>'],
    ['feedback-id', 'ü'],
  ])('%s: %s is refused', async (name, value) => {
    await expectRefused(withHeader(name, value), '/email/headers/0/value');
  });

  test('a name that comes twice is refused, and so are more than twenty', async () => {
    const twice = ['X-A', 'x-a'].map((name) => ({ name, value: 'x' }));
    const many = Array.from({ length: 21 }, (_, index) => ({ name: `X-${index}`, value: 'x' }));
    for (const headers of [twice, many]) {
      await expectRefused({ headers }, '/email/headers');
    }
  });
});

test.each([
  'Acme',
  '',
  'a@x.example, b@x.example',
  'Acme, Inc. <a@x.example>',
  'friends: a@x.example;',
  'Acme <a@x.example> <b@x.example>',
  'Acme <a@x.example>\r\nBcc: x@y.example',
  '"Ac\r\nme" <a@x.example>',
  '"Ac"me" <a@x.example>',
  'Acme (support) <a@x.example>',
  'a@ünï.example',
  '<a@x.example',
])('replyTo %j is refused', async (replyTo) => {
  await expectRefused({ replyTo: [replyTo] }, '/email/replyTo/0');
});

test.each([
  ['cc', { cc: ['x@y.example'] }],
  ['bcc', { bcc: ['x@y.example'] }],
  ['from', { from: 'x@y.example' }],
  ['six mailboxes to reply to', { replyTo: Array(6).fill('a@x.example') }],
  ['a tag with a space', { tags: ['a b'] }],
  ['the same tag twice', { tags: ['a', 'a'] }],
  ['eleven tags', { tags: Array.from({ length: 11 }, (_, index) => `t${index}`) }],
])('%s is refused', async (_, email) => {
  expect(await send(email)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
});
