import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type ScriptedSmtp,
  type SmtpScript,
  startScriptedSmtp,
} from '../../../../test/support/scripted-smtp.ts';
import { type SmtpSink, startSmtpSink } from '../../../../test/support/smtp-sink.ts';
import type { Delivery, Provider, RenderedEmail } from './provider.ts';
import { createSmtpProvider } from './smtp.ts';
import type { SmtpConnectionsOptions } from './smtp-connections.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  // Last started, first stopped: providers before the servers they talk to.
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function scripted(script: SmtpScript = {}): Promise<ScriptedSmtp> {
  const server = await startScriptedSmtp(script);
  running.push(server);
  return server;
}

async function sinkOf(options: Parameters<typeof startSmtpSink>[0] = {}): Promise<SmtpSink> {
  const sink = await startSmtpSink(options);
  running.push(sink);
  return sink;
}

function providerFor(url: string, options: Partial<SmtpConnectionsOptions> = {}): Provider<RenderedEmail> {
  const provider = createSmtpProvider({
    url,
    from: 'Acme <hello@acme.example>',
    closeTimeoutMs: 100,
    ...options,
  });
  running.push({ stop: () => provider.close() });
  return provider;
}

function delivery(number = 1, text = 'Hi\n.\nthere'): Delivery<RenderedEmail> {
  return {
    messageId: `msg_${number}`,
    address: `user${number}@example.com`,
    platform: null,
    toName: null,
    date: 1_770_000_000_000,
    content: { channel: 'email', subject: `Mail ${number}`, text },
  };
}

const unavailable = { outcome: 'held', reason: 'provider_unavailable' };
const orUnwilling = { ...unavailable, blame: 'either' };
const misconfigured = { outcome: 'held', reason: 'provider_configuration' };
const transient = { outcome: 'transient', reason: 'provider_transient' };
const lost = { outcome: 'transient', reason: 'connection_lost' };
const rejected = { outcome: 'rejected', reason: 'rejected' };
const bounced = { outcome: 'bounced', reason: 'invalid_address' };
const big = `250 ${'x'.repeat(200_000)}`;
const withPipelining = { ehlo: '250-scripted\r\n250 PIPELINING' };

async function refusedPort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

describe('what an attempt comes to', () => {
  test('an accepted message is sent, with the code and text of the reply', async () => {
    const server = await scripted();
    const result = await providerFor(server.url).send(delivery());
    expect(result).toEqual({ outcome: 'sent', code: '250 2.0.0', response: '250 2.0.0 Ok' });
    expect(server.messages).toHaveLength(1);
    expect(server.messages[0]).toMatchObject({
      envelopeFrom: 'hello@acme.example',
      recipients: ['user1@example.com'],
    });
    expect(server.messages[0]?.raw.toString()).toContain('\r\n\r\nHi\r\n.\r\nthere');
  });

  test('a refused port holds the provider', async () => {
    const provider = providerFor(`smtp://127.0.0.1:${await refusedPort()}`);
    expect(await provider.send(delivery())).toMatchObject({ ...unavailable, code: 'ECONNREFUSED' });
  });

  test.each<[what: string, script: SmtpScript, expected: object]>([
    ['no greeting', { greeting: 'silence' }, unavailable],
    ['closed before the greeting', { greeting: 'drop' }, unavailable],
    ['garbage for a greeting', { greeting: 'HTTP/1.1 400 Bad Request' }, unavailable],
    ['421 as greeting', { greeting: '421 Busy' }, { ...unavailable, code: '421' }],
    ['554 as greeting', { greeting: '554 5.7.1 Not you' }, { ...misconfigured, code: '554 5.7.1' }],
    ['421 to EHLO', { ehlo: '421 Busy' }, unavailable],
    ['no answer to EHLO', { ehlo: 'silence' }, unavailable],
    ['closed at EHLO', { ehlo: 'drop' }, unavailable],
    ['421 to MAIL', { mail: '421 4.3.2 Busy' }, { ...orUnwilling, code: '421 4.3.2' }],
    ['421 to RCPT', { rcpt: '421 4.3.2 Busy' }, { ...orUnwilling, code: '421 4.3.2' }],
    ['421 to DATA', { data: '421 4.3.2 Busy' }, { ...orUnwilling, code: '421 4.3.2' }],
    ['421 after the body', { body: '421 4.3.2 Busy' }, { ...orUnwilling, code: '421 4.3.2' }],
    ['454 to MAIL', { mail: '454 4.7.0 Later' }, orUnwilling],
    ['530 to MAIL', { mail: '530 5.7.0 Authenticate' }, misconfigured],
    ['550 5.1.1 to MAIL', { mail: '550 5.1.1 Sender unknown' }, { ...misconfigured, code: '550 5.1.1' }],
    ['553 5.1.7 to MAIL', { mail: '553 5.1.7 Bad sender' }, misconfigured],
    ['550 5.1.8 to RCPT', { rcpt: '550 5.1.8 Bad sender' }, { ...misconfigured, blame: 'either' }],
    ['550 to MAIL', { mail: '550 No' }, rejected],
    ['450 to RCPT', { rcpt: '450 4.2.0 Greylisted' }, transient],
    ['451 to MAIL', { mail: '451 4.3.0 Try later' }, transient],
    ['452 to DATA', { data: '452 4.3.1 Full' }, transient],
    ['451 after the body', { body: '451 4.3.0 Try later' }, transient],
    ['550 to RCPT', { rcpt: '550 No' }, { ...rejected, code: '550' }],
    ['550 5.1.1 to RCPT', { rcpt: '550 5.1.1 No such user' }, { ...bounced, code: '550 5.1.1' }],
    ['550 5.1.1 after the body', { body: '550 5.1.1 No such user' }, bounced],
    ['550 5.1.1 to DATA', { data: '550 5.1.1 No such user' }, rejected],
    ['552 after the body', { body: '552 5.3.4 Too big' }, rejected],
    ['554 after the body', { body: '554 5.7.1 Spam' }, { ...rejected, response: '554 5.7.1 Spam' }],
    ['554 to DATA', { data: '554 5.5.1 No' }, rejected],
    ['garbage to MAIL', { mail: 'banana' }, transient],
    ['garbage after the body', { body: 'banana' }, { outcome: 'ambiguous', reason: 'ambiguous' }],
    ['a reply over 64 kB to RCPT', { rcpt: big }, transient],
    ['a reply over 64 kB after the body', { body: big }, { outcome: 'ambiguous', reason: 'ambiguous' }],
    ['closed after MAIL', { mail: 'drop' }, lost],
    ['closed after RCPT', { rcpt: 'drop' }, lost],
    ['closed after DATA', { data: 'drop' }, lost],
    ['closed after the body', { body: 'drop' }, { outcome: 'ambiguous', reason: 'connection_lost' }],
    ['silence after the body', { body: 'silence' }, { outcome: 'ambiguous', reason: 'connection_lost' }],
    ['silence after MAIL', { mail: 'silence' }, lost],
  ])('%s', async (_what, script, expected) => {
    for (const pipelining of [{}, withPipelining]) {
      const server = await scripted({ ...pipelining, ...script });
      const provider = providerFor(server.url, timeoutsFor(script));
      expect(await provider.send(delivery()), JSON.stringify(pipelining)).toMatchObject(expected);
    }
  });

  test('a connection closed while the body is on its way is transient', async () => {
    const server = await scripted({ bodyStart: 'drop' });
    const text = 'a line of text\n'.repeat(800_000);
    expect(await providerFor(server.url).send(delivery(1, text))).toMatchObject(lost);
  });

  test('a refusal while the body is on its way is final', async () => {
    const server = await scripted({ bodyStart: '552 5.3.4 Too big' });
    const text = 'a line of text\n'.repeat(800_000);
    expect(await providerFor(server.url).send(delivery(1, text))).toMatchObject(rejected);
  });

  test('a message over the announced SIZE is rejected without being sent', async () => {
    const server = await scripted({ ehlo: '250-scripted\r\n250 SIZE 100' });
    expect(await providerFor(server.url).send(delivery())).toMatchObject(rejected);
    expect(server.commands.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });
});

describe('TLS and AUTH', () => {
  const auth = { user: 'acme@example.com', pass: 'p/w:%ü' };

  test('the credentials of the URL are used', async () => {
    const sink = await sinkOf({ auth });
    expect(await providerFor(sink.url).send(delivery())).toMatchObject({ outcome: 'sent' });
  });

  test('wrong credentials are a fault of the configuration', async () => {
    const sink = await sinkOf({ auth });
    const provider = providerFor(sink.url.replace(/:\/\/.*@/, '://acme:wrong@'));
    expect(await provider.send(delivery())).toMatchObject({ ...misconfigured, code: '535' });
    expect(await provider.probe()).toBe(false);
  });

  test.each(['PLAIN', 'LOGIN'])(
    'by %s: a server that quotes the password has no part of it on record',
    async (by) => {
      const [plain, line] = ['p/w:%ü', Buffer.from('\0acme@example.com\0p/w:%ü').toString('base64')];
      const quotes = [
        plain,
        encodeURIComponent(plain),
        Buffer.from(plain).toString('base64'),
        line,
        line.replace(/=+$/, ''),
        `${'x'.repeat(470)}${line}`,
      ];
      for (const quote of quotes) {
        const server = await scripted({
          ehlo: `250-scripted\r\n250 AUTH ${by}`,
          auth: `535 5.7.8 Not with <${quote}>`,
        });
        const url = server.url.replace('://', '://acme%40example.com:p%2Fw%3A%25%C3%BC@');
        const result = await providerFor(url).send(delivery());
        expect(result).toMatchObject({ ...misconfigured, code: '535 5.7.8' });
        expect(result.response).toMatch(/^535 5\.7\.8 Not with <(x{470})?\[secr/);
      }
    },
  );

  test('nor has one that quotes it when it takes a mail, and the code stays what it is', async () => {
    const server = await scripted({
      ehlo: '250-scripted\r\n250 AUTH PLAIN',
      body: '250 2.0.0 Ok, 250',
    });
    const provider = providerFor(server.url.replace('://', '://user:250@'));
    expect(await provider.send(delivery())).toEqual({
      outcome: 'sent',
      code: '250 2.0.0',
      response: '[secret] 2.0.0 Ok, [secret]',
    });
  });

  test.each(['454 4.7.0 Try later', 'drop', 'silence'])(
    'AUTH answered by %s holds the provider',
    async (reply) => {
      const server = await scripted({ ehlo: '250-scripted\r\n250 AUTH PLAIN', auth: reply });
      const provider = providerFor(server.url.replace('://', '://user:pass@'), timeoutsFor({ auth: reply }));
      expect(await provider.send(delivery())).toMatchObject(unavailable);
    },
  );

  test('credentials are not shown to a server that offers no AUTH', async () => {
    const server = await scripted();
    const provider = providerFor(server.url.replace('://', '://user:pass@'));
    expect(await provider.send(delivery())).toMatchObject(misconfigured);
    expect(server.commands.filter((line) => line.startsWith('AUTH'))).toEqual([]);
  });

  test.each(['starttls', 'implicit'] as const)(
    '%s: an untrusted certificate is refused, unless allowed',
    async (tls) => {
      const sink = await sinkOf({ tls });
      expect(await providerFor(sink.url).send(delivery())).toMatchObject(misconfigured);
      const trusting = providerFor(`${sink.url}?rejectUnauthorized=false`);
      expect(await trusting.send(delivery())).toMatchObject({ outcome: 'sent' });
      expect(sink.received).toHaveLength(1);
    },
  );

  test('requireTls goes no further with a server that has no STARTTLS', async () => {
    const sink = await sinkOf();
    expect(await providerFor(`${sink.url}?requireTls=true`).send(delivery())).toMatchObject(misconfigured);
    expect(sink.received).toEqual([]);
  });

  test('smtps to a server that speaks no TLS is a fault of the configuration', async () => {
    const server = await scripted();
    const provider = providerFor(`smtps://127.0.0.1:${server.port}`);
    expect(await provider.send(delivery())).toMatchObject(misconfigured);
  });
});

describe('connections', () => {
  test('50 messages one after another use one connection', async () => {
    const server = await scripted();
    const provider = providerFor(server.url);
    for (let number = 1; number <= 50; number += 1) await provider.send(delivery(number));
    expect(server.messages).toHaveLength(50);
    expect(server.connections).toMatchObject({ total: 1, most: 1 });
  });

  test('40 messages at once use no more than the allowed connections', async () => {
    const sink = await sinkOf({ acceptDelayMs: 5 });
    const server = await scripted();
    for (const url of [sink.url, server.url]) {
      const provider = providerFor(url, { maxConnections: 3 });
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, number) => provider.send(delivery(number))),
      );
      expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['sent']));
    }
    expect(sink.received).toHaveLength(40);
    expect(server.connections).toMatchObject({ total: 3, most: 3 });
  });

  test('a connection is replaced after its share of messages', async () => {
    const server = await scripted();
    const provider = providerFor(server.url, { maxConnections: 1, maxMessages: 2 });
    for (let number = 1; number <= 5; number += 1) await provider.send(delivery(number));
    expect(server.connections).toMatchObject({ total: 3 });
    expect(server.messages).toHaveLength(5);
  });

  test('a connection that was idle too long is ended with QUIT', async () => {
    const server = await scripted();
    await providerFor(server.url, { idleMs: 20 }).send(delivery());
    await vi.waitUntil(() => server.connections.open === 0);
    expect(server.commands.at(-1)).toBe('QUIT');
  });

  test.each(['drop', '421 4.4.2 Idle too long'])(
    'a kept connection that answers MAIL with %s is replaced silently',
    async (reply) => {
      const server = await scripted({ mail: (count) => (count === 2 ? reply : '250 Ok') });
      const provider = providerFor(server.url);
      await provider.send(delivery(1));
      expect(await provider.send(delivery(2))).toMatchObject({ outcome: 'sent' });
      expect(server.connections.total).toBe(2);
      expect(server.messages.map(({ recipients }) => recipients[0])).toEqual([
        'user1@example.com',
        'user2@example.com',
      ]);
    },
  );

  test('it is replaced once only', async () => {
    const server = await scripted({ mail: (count) => (count >= 2 ? 'drop' : '250 Ok') });
    const provider = providerFor(server.url);
    await provider.send(delivery(1));
    expect(await provider.send(delivery(2))).toMatchObject(lost);
    expect(server.connections.total).toBe(2);
  });

  test('connections the server closed while idle cost nobody an attempt', async () => {
    const server = await scripted();
    const provider = providerFor(server.url);
    const sendSix = () =>
      Promise.all(Array.from({ length: 6 }, (_, number) => provider.send(delivery(number))));
    await sendSix();
    await server.dropAll();
    const results = await sendSix();
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(6).fill('sent'));
    expect(server.messages).toHaveLength(12);
  });

  test('nothing is sent again once a byte of the body was taken', async () => {
    const server = await scripted({ body: (count) => (count === 2 ? 'drop' : '250 Ok') });
    const provider = providerFor(server.url);
    await provider.send(delivery(1));
    expect(await provider.send(delivery(2))).toMatchObject({ outcome: 'ambiguous' });
    expect(server.messages).toHaveLength(2);
  });

  test.each(['mail', 'rcpt', 'data', 'body'] as const)(
    'after a refusal at %s the connection is used again',
    async (stage) => {
      for (const pipelining of [{}, withPipelining]) {
        const good = stage === 'data' ? '354 Go' : '250 Ok';
        const server = await scripted({
          ...pipelining,
          [stage]: (count: number) => (count === 1 ? '550 No' : good),
        });
        // One at most, so that the second message waits for what becomes of the first one's connection.
        const provider = providerFor(server.url, { maxConnections: 1 });
        expect(await provider.send(delivery(1))).toMatchObject(rejected);
        expect(await provider.send(delivery(2))).toMatchObject({ outcome: 'sent' });
        expect(server.commands).toContain('RSET');
        expect(server.connections.total).toBe(1);
        expect(server.messages.at(-1)?.recipients).toEqual(['user2@example.com']);
      }
    },
  );

  test('a connection that answers RSET badly is not used again', async () => {
    const server = await scripted({
      rcpt: (count) => (count === 1 ? '550 No' : '250 Ok'),
      rset: '500 What?',
    });
    const provider = providerFor(server.url, { maxConnections: 1 });
    await provider.send(delivery(1));
    expect(await provider.send(delivery(2))).toMatchObject({ outcome: 'sent' });
    expect(server.connections.total).toBe(2);
  });

  test.each<[what: string, script: SmtpScript]>([
    ['a lost connection', { mail: failFirst('drop', '250 Ok', 5) }],
    ['421', { rcpt: failFirst('421 Busy', '250 Ok', 5) }],
    ['a bad greeting', { greeting: failFirst('554 No', '220 Hi', 5) }],
    ['no greeting', { greeting: failFirst('silence', '220 Hi', 5) }],
    ['silence after the body', { body: failFirst('silence', '250 Ok', 5) }],
    ['garbage', { data: failFirst('banana', '354 Go', 5) }],
    ['a refusal', { rcpt: failFirst('450 Later', '250 Ok', 5) }],
  ])('slots are free again after %s', async (_what, script) => {
    const server = await scripted(script);
    const provider = providerFor(server.url, {
      maxConnections: 1,
      greetingTimeoutMs: 50,
      socketTimeoutMs: 50,
    });
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, number) => provider.send(delivery(number))),
    );
    expect(results.filter(({ outcome }) => outcome === 'sent')).toHaveLength(3);
    expect(server.connections.most).toBeLessThanOrEqual(2);
  });
});

describe('probe and close', () => {
  test('a probe says whether mail could be sent, and sends none', async () => {
    const server = await scripted();
    expect(await providerFor(server.url).probe()).toBe(true);
    expect(await providerFor(`smtp://127.0.0.1:${await refusedPort()}`).probe()).toBe(false);
    expect(server.messages).toEqual([]);
  });

  test('a probe notices a server that died since the last message', async () => {
    const server = await scripted({ greeting: (count) => (count === 1 ? '220 Hi' : '421 Busy') });
    const provider = providerFor(server.url);
    await provider.send(delivery());
    expect(await provider.probe()).toBe(false);
  });

  test('a probe does not wait for a send that hangs, and leaves no connection behind', async () => {
    const server = await scripted({ body: 'silence' });
    const provider = providerFor(server.url, { maxConnections: 1 });
    const sending = provider.send(delivery());
    await vi.waitUntil(() => server.messages.length === 1);
    expect(await provider.probe()).toBe(true);
    await vi.waitUntil(() => server.connections.open === 1);
    expect(server.commands.at(-1)).toBe('QUIT');
    expect(server.connections).toMatchObject({ total: 2, most: 2 });
    await provider.close();
    expect(await sending).toMatchObject({ outcome: 'ambiguous' });
  });

  test.each<SmtpScript>([
    { greeting: 'silence' },
    { ehlo: 'silence' },
    { ehlo: '250-scripted\r\n250 AUTH PLAIN', auth: 'silence' },
  ])('a probe has its own deadline, shorter than that of a send: %j', async (script) => {
    const server = await scripted(script);
    const provider = providerFor(server.url.replace('://', '://user:pass@'), { probeTimeoutMs: 200 });
    expect(await provider.probe()).toBe(false);
    await vi.waitUntil(() => server.connections.open === 0);
  });

  test('close ends kept connections with QUIT', async () => {
    const server = await scripted();
    const provider = providerFor(server.url);
    await Promise.all([1, 2, 3].map((number) => provider.send(delivery(number))));
    await provider.close();
    await vi.waitUntil(() => server.connections.open === 0);
    expect(server.commands.filter((line) => line === 'QUIT')).toHaveLength(server.connections.total);
    expect(await provider.send(delivery())).toMatchObject(unavailable);
  });

  test('close waits for what is being sent', async () => {
    const sink = await sinkOf({ acceptDelayMs: 50 });
    const provider = providerFor(sink.url, { maxConnections: 1, closeTimeoutMs: 5_000 });
    const [first, second] = [provider.send(delivery(1)), provider.send(delivery(2))];
    await first;
    await provider.close();
    expect(sink.received).toHaveLength(2);
    expect(await second).toMatchObject({ outcome: 'sent' });
  });

  test('close does not wait for ever', async () => {
    const server = await scripted({ body: 'silence' });
    const provider = providerFor(server.url, { closeTimeoutMs: 50 });
    const sending = provider.send(delivery());
    await vi.waitUntil(() => server.messages.length === 1);
    await provider.close();
    expect(await sending).toMatchObject({ outcome: 'ambiguous', reason: 'connection_lost' });
  });

  test('an unreadable url or sender is refused at once', () => {
    expect(() => createSmtpProvider({ url: 'smtp://x', from: 'Acme' })).toThrow('not one mailbox');
    expect(() => createSmtpProvider({ url: 'x', from: 'a@b.example' })).toThrow('SMTP URL');
  });
});

/** Short where the server is silent; elsewhere a busy machine must not look like one. */
function timeoutsFor(script: SmtpScript): Partial<SmtpConnectionsOptions> {
  const first = Object.values(script).map((stage) => (typeof stage === 'string' ? stage : stage(1)));
  return first.includes('silence') ? { greetingTimeoutMs: 200, socketTimeoutMs: 200 } : {};
}

function failFirst(bad: string, good: string, times: number): (count: number) => string {
  return (count) => (count <= times ? bad : good);
}
