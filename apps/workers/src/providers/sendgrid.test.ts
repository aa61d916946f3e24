import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificate.ts';
import type { HttpSinkAnswer } from '../../../../test/support/http-sink.ts';
import { type SendGridSink, startSendGridSink } from '../../../../test/support/sendgrid-sink.ts';
import { until } from '../../../../test/support/until.ts';
import type { Delivery, Provider, RenderedEmail } from './provider.ts';
import { createSendGridProvider } from './sendgrid.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function sinkOf(options: Parameters<typeof startSendGridSink>[0] = {}): Promise<SendGridSink> {
  const sink = await startSendGridSink(options);
  running.push(sink);
  return sink;
}

type Options = Partial<Parameters<typeof createSendGridProvider>[0]>;

function providerFor(sink: SendGridSink, options: Options = {}): Provider<RenderedEmail> {
  const provider = createSendGridProvider({
    apiKey: sink.apiKey,
    baseUrl: sink.url,
    from: 'Acme <hello@acme.example>',
    closeTimeoutMs: 100,
    ...options,
  });
  running.push({ stop: provider.close });
  return provider;
}

const messageId = 'msg_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1';

function delivery(
  content: Partial<RenderedEmail> = {},
  address = 'ada@example.com',
): Delivery<RenderedEmail> {
  return {
    messageId,
    address,
    platform: null,
    toName: 'Ada\r\nLovelace',
    date: 1_770_000_000_000,
    content: { channel: 'email', subject: 'Grüße\r\nBcc: x@y', html: '<p>Hi</p>', text: 'Hi', ...content },
  };
}

const misconfigured = { outcome: 'held', reason: 'provider_configuration' };
const unavailable = { outcome: 'held', reason: 'provider_unavailable' };

describe('a mail', () => {
  test('is one request of the v3 form, and sent once SendGrid has named it', async () => {
    const sink = await sinkOf();
    expect(await providerFor(sink).send(delivery())).toEqual({
      outcome: 'sent',
      code: '202',
      response: '',
      providerMessageId: 'sg-1',
    });
    expect(sink.taken).toEqual([
      {
        personalizations: [
          {
            to: [{ email: 'ada@example.com', name: 'Ada Lovelace' }],
            custom_args: { tidings_message_id: messageId },
          },
        ],
        from: { email: 'hello@acme.example', name: 'Acme' },
        subject: 'Grüße Bcc: x@y',
        content: [
          { type: 'text/plain', value: 'Hi' },
          { type: 'text/html', value: '<p>Hi</p>' },
        ],
        headers: { 'Message-ID': `<${messageId}@acme.example>` },
      },
    ]);
  });

  test('has everything it was given', async () => {
    const sink = await sinkOf();
    const file = { filename: 'a.pdf', contentType: 'application/pdf', content: 'JVBERi0=' };
    const picture = { filename: 'b.png', contentType: 'image/png', content: 'iVBORw0=', contentId: 'logo' };
    const result = await providerFor(sink).send(
      delivery({
        replyTo: ['Help <help@acme.example>'],
        headers: [{ name: 'X-Order', value: '42\r\nBcc: x@y' }],
        attachments: [file, picture],
        tags: ['welcome', 'welcome', 'a'.repeat(300), ...'bcdefghijk'],
        unsubscribeUrl: 'https://t.example/u/1',
      }),
    );
    expect(result.outcome).toBe('sent');
    expect(sink.taken[0]).toMatchObject({
      reply_to: { email: 'help@acme.example', name: 'Help' },
      attachments: [
        { filename: 'a.pdf', type: 'application/pdf', content: 'JVBERi0=', disposition: 'attachment' },
        { filename: 'b.png', type: 'image/png', disposition: 'inline', content_id: 'logo' },
      ],
      categories: ['welcome', 'a'.repeat(255), ...'bcdefghi'],
      headers: {
        'X-Order': '42 Bcc: x@y',
        'Message-ID': `<${messageId}@acme.example>`,
        'List-Unsubscribe': '<https://t.example/u/1>',
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
    });
  });

  test('may have several addresses for replies, one part, or none to speak of', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    await provider.send(delivery({ replyTo: ['a@acme.example', 'B <b@acme.example>'], html: '' }));
    await provider.send(delivery({ text: '', html: '<p>Hi</p>' }));
    await provider.send(delivery({ text: '', html: '' }));
    expect(sink.taken).toMatchObject([
      {
        reply_to_list: [{ email: 'a@acme.example' }, { email: 'b@acme.example', name: 'B' }],
        content: [{ type: 'text/plain', value: 'Hi' }],
      },
      { content: [{ type: 'text/html', value: '<p>Hi</p>' }] },
      { content: [{ type: 'text/plain', value: ' ' }] },
    ]);
  });

  test('is the same to the octet in every copy', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    for (let copy = 0; copy < 3; copy += 1) await provider.send(delivery());
    expect(new Set(sink.requests.map(({ body }) => body.toString())).size).toBe(1);
  });

  test('to what is no address bounces', async () => {
    const sink = await sinkOf();
    expect(await providerFor(sink).send(delivery({}, 'ada@nowhere'))).toMatchObject({
      outcome: 'bounced',
      reason: 'invalid_address',
      code: '400 personalizations.0.to.0.email',
      response: 'Does not contain a valid address.',
    });
  });
});

describe('when it does not work', () => {
  test.each<[answer: HttpSinkAnswer, expected: object]>([
    [{ status: 500 }, { outcome: 'ambiguous', reason: 'ambiguous' }],
    ['drop', { outcome: 'ambiguous', reason: 'connection_lost' }],
    ['silence', { outcome: 'ambiguous', reason: 'connection_lost', code: 'ETIMEDOUT' }],
    ['half', { outcome: 'sent' }],
    ['endless', { outcome: 'sent' }],
    [{ status: 413 }, { outcome: 'rejected' }],
    [
      { status: 429, headers: { 'retry-after': '3' } },
      { ...unavailable, retryAfterMs: 3000 },
    ],
    [{ status: 307, headers: { location: 'http://169.254.169.254/' } }, misconfigured],
  ])('%j is a result, and the next mail goes out', async (answer, expected) => {
    const sink = await sinkOf({ answer: (count) => (count === 1 ? answer : undefined) });
    const provider = providerFor(sink, { replyTimeoutMs: 200, totalTimeoutMs: 1000 });
    expect(await provider.send(delivery())).toMatchObject(expected);
    expect(await provider.send(delivery())).toMatchObject({ outcome: 'sent' });
    expect(sink.requests).toHaveLength(2);
  });

  test('SendGrid out of reach, or with a certificate nobody trusts, holds', async () => {
    const sink = await sinkOf({ certificate: makeCertificate() });
    const provider = providerFor(sink);
    expect(await provider.send(delivery())).toMatchObject(misconfigured);
    expect(await provider.probe()).toBe(false);
    const gone = providerFor(sink, { baseUrl: 'http://127.0.0.1:1' });
    expect(await gone.send(delivery())).toMatchObject({ ...unavailable, code: 'ECONNREFUSED' });
    expect(await gone.probe()).toBe(false);
  });

  test('another key holds, and is not told', async () => {
    const apiKey = 'SG.another-key';
    const sink = await sinkOf({
      answer: (_, { headers }) => ({ status: 401, body: `What is ${headers.authorization}?` }),
    });
    const result = await providerFor(sink, { apiKey }).send(delivery());
    expect(result).toMatchObject({ ...misconfigured, response: 'What is Bearer [secret]?' });
  });
});

describe('probe and close', () => {
  test('a probe asks whether the key may send, and sends nothing', async () => {
    const sink = await sinkOf();
    expect(await providerFor(sink).probe()).toBe(true);
    expect(await providerFor(sink, { apiKey: 'SG.other' }).probe()).toBe(false);
    expect(await providerFor(await sinkOf({ scopes: ['stats.read'] })).probe()).toBe(false);
    expect(sink.taken).toEqual([]);
  });

  test('a gateway with a path of its own is reached by it', async () => {
    const sink = await sinkOf();
    await providerFor(sink, { baseUrl: `${sink.url}/sendgrid/` }).send(delivery());
    expect(sink.requests[0]?.path).toBe('/sendgrid/v3/mail/send');
  });

  test('as many mails are under way as connections are allowed', async () => {
    const gate = Promise.withResolvers<undefined>();
    const sink = await sinkOf({ answer: () => gate.promise });
    const provider = providerFor(sink, { maxConnections: 4 });
    const sending = Array.from({ length: 12 }, () => provider.send(delivery()));
    await until(
      () => sink.requests.length,
      (count) => count === 4,
    );
    gate.resolve(undefined);
    expect((await Promise.all(sending)).map(({ outcome }) => outcome)).toEqual(Array(12).fill('sent'));
    expect(sink.connections.most).toBe(4);
  });

  test('nothing goes out after close', async () => {
    const sink = await sinkOf();
    const provider = providerFor(sink);
    await provider.close();
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: 'ECLOSED' });
  });

  test('an unreadable base URL or sender is refused at once', async () => {
    const sink = await sinkOf();
    expect(() => providerFor(sink, { baseUrl: 'sendgrid' })).toThrow();
    expect(() => providerFor(sink, { from: 'nobody' })).toThrow();
  });
});
