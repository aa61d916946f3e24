import { once } from 'node:events';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fuzzRuns } from '../../../../test/support/fuzz.ts';
import { type RawSmtp, startRawSmtp } from '../../../../test/support/raw-smtp.ts';
import { startScriptedSmtp } from '../../../../test/support/scripted-smtp.ts';
import { SmtpFailure } from './smtp-failures.ts';
import { createSmtpSession, type SmtpSession, type SmtpTimeouts } from './smtp-session.ts';

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function raw(options: Parameters<typeof startRawSmtp>[0]): Promise<RawSmtp> {
  const server = await startRawSmtp(options);
  running.push(server);
  return server;
}

async function scripted(script: Parameters<typeof startScriptedSmtp>[0]) {
  const server = await startScriptedSmtp(script);
  running.push(server);
  return server;
}

async function sessionOn(port: number, timeouts: Partial<SmtpTimeouts> = {}): Promise<SmtpSession> {
  const session = createSmtpSession({
    endpoint: {
      host: '127.0.0.1',
      port,
      secure: false,
      requireTls: false,
      tls: { rejectUnauthorized: false },
    },
    connectTimeoutMs: 5_000,
    greetingTimeoutMs: 5_000,
    socketTimeoutMs: 5_000,
    ...timeouts,
    onEnd: () => {},
  });
  running.push({ stop: session.drop });
  await session.open();
  return session;
}

function failureOf(sending: Promise<string>): Promise<SmtpFailure> {
  return sending.then(
    (reply) => expect.fail(`sent: ${reply}`),
    (error) => (error instanceof SmtpFailure ? error : Promise.reject(error)),
  );
}

const mail = { from: 'a@acme.example', to: 'b@example.com', raw: Buffer.from('Subject: x\r\n\r\nHi\r\n') };
const large = { ...mail, raw: Buffer.alloc(12_000_000, 'a line of text\r\n') };
const envelope = ['MAIL FROM:<a@acme.example>\r\n', 'RCPT TO:<b@example.com>\r\n', 'DATA\r\n'];
const body = `${mail.raw.toString()}.\r\n`;
const good = ['250 2.1.0 Ok\r\n', '250 2.1.5 Ok\r\n', '354 Go\r\n', '250 2.0.0 Taken\r\n'] as const;
const goodEnvelope = good.slice(0, 3).join('');
const extensions = ['PIPELINING'];

test('the one private member of nodemailer that is used is there', async () => {
  const server = await scripted({});
  const connection = new SMTPConnection({ host: '127.0.0.1', port: server.port });
  running.push({ stop: () => connection.close() });
  connection.connect();
  await once(connection, 'connect');
  expect(connection._socket).toBeInstanceOf(Socket);
  expect((connection._socket as Socket).listenerCount('data')).toBe(1);
  expect(connection.lastServerResponse).toBe('250 scripted');
});

describe('pipelining', () => {
  test('with a server that offers it, MAIL, RCPT and DATA are one packet', async () => {
    const server = await raw({
      extensions,
      answer: (socket, _packet, number) => socket.write(number % 2 === 1 ? goodEnvelope : good[3]),
    });
    const session = await sessionOn(server.port);
    expect(await session.send(mail)).toBe('250 2.0.0 Taken');
    expect(await session.send(mail)).toBe('250 2.0.0 Taken');
    expect(server.packets).toEqual([envelope.join(''), body, envelope.join(''), body]);
  });

  test('with one that does not, each waits for the reply before', async () => {
    const server = await raw({
      extensions: ['X-PIPELINING', 'NO PIPELINING'],
      answer: (socket, _packet, number) => socket.write(good[number - 1] as string),
    });
    expect(await (await sessionOn(server.port)).send(mail)).toBe('250 2.0.0 Taken');
    expect(server.packets).toEqual([...envelope, body]);
  });

  test.each([
    [['PIPELINING'], [], [...envelope, body]],
    [[], ['PIPELINING'], [envelope.join(''), body]],
  ])('announced %j before and %j after STARTTLS: the latter counts', async (before, after, packets) => {
    const server = await raw({
      extensions: before,
      afterStartTls: after,
      answer: (socket, packet) => {
        for (const line of packet.split(/(?<=\r\n)/)) {
          const index = envelope.indexOf(line);
          if (index >= 0) socket.write(good[index] as string);
          if (line === '.\r\n') socket.write(good[3]);
        }
      },
    });
    expect(await (await sessionOn(server.port)).send(mail)).toBe('250 2.0.0 Taken');
    expect(server.packets).toEqual(packets);
  });

  test('replies of several lines may come octet by octet', async () => {
    const replies = `250-2.1.0 Ok\r\n250 2.1.0 grüß dich\r\n\r\n${good[1]}${good[2]}`;
    const server = await raw({
      extensions,
      answer: (socket, _packet, number) =>
        void drip(socket, number === 1 ? replies : '250-2.0.0 über\n250 2.0.0 Ende\r\n'),
    });
    expect(await (await sessionOn(server.port)).send(mail)).toBe('250-2.0.0 über\n250 2.0.0 Ende');
  });

  test('a server that says 354 to a refused recipient gets a dot, and the refusal of RCPT counts', async () => {
    const server = await raw({
      extensions,
      answer: (socket, packet, number) => {
        if (number === 1) socket.write(`${good[0]}550 5.1.1 No such user\r\n${good[2]}`);
        else socket.write(packet === 'RSET\r\n' ? '250 Ok\r\n' : '554 5.5.1 No recipients\r\n');
      },
    });
    const session = await sessionOn(server.port);
    const { phase, error } = await failureOf(session.send(mail));
    expect([phase, error.command, error.response]).toEqual(['envelope', 'RCPT TO', '550 5.1.1 No such user']);
    await session.reset();
    expect(server.packets).toEqual([envelope.join(''), '.\r\n', 'RSET\r\n']);
    expect(session.alive).toBe(true);
  });

  test.each([
    ['the recipient was taken though the sender was not', `550 No\r\n${good[1]}${good[2]}`],
    ['nobody can tell whether the recipient was taken', `${good[0]}banana\r\n${good[2]}`],
  ])('354 when %s: closed, for a dot would send an empty mail', async (_what, replies) => {
    const server = await raw({ extensions, answer: (socket) => socket.write(replies) });
    const session = await sessionOn(server.port);
    expect(await failureOf(session.send(mail))).toMatchObject({ phase: 'envelope' });
    expect(session.alive).toBe(false);
    expect(server.packets).toEqual([envelope.join('')]);
  });

  test('of a refused sender and what follows from it, the first counts', async () => {
    const server = await raw({
      extensions,
      answer: (socket) => socket.write('451 4.3.0 Later\r\n503 5.5.1 No\r\n503 5.5.1 No\r\n'),
    });
    const session = await sessionOn(server.port);
    expect(await failureOf(session.send(mail))).toMatchObject({ error: { response: '451 4.3.0 Later' } });
    expect(session.alive).toBe(true);
  });

  test.each([0, 1, 2, 3])('a server that dies after %d replies', async (replies) => {
    for (const die of ['destroy', 'end', 'resetAndDestroy'] as const) {
      const server = await raw({
        extensions,
        answer: (socket, _packet, number) => {
          if (number === 1) socket.write(good.slice(0, replies).join(''));
          if (number === 2 || replies < 3) socket[die]();
        },
      });
      const { phase, error } = await failureOf((await sessionOn(server.port)).send(mail));
      expect(phase, die).toBe(replies === 3 ? 'handed_over' : 'envelope');
      expect(error.code, die).toMatch(/^(ECONNECTION|ESOCKET)$/);
      expect(error.response, die).toBeUndefined();
    }
  });
});

describe('the body', () => {
  test('a server that takes away the dots has the mail to the octet', async () => {
    for (const ehlo of ['250 scripted', '250-scripted\r\n250 PIPELINING']) {
      const server = await scripted({ ehlo });
      const session = await sessionOn(server.port);
      const lines = fc.array(fc.stringMatching(/^[.a]{0,4}$|^[\t -~]{0,80}$/), { minLength: 1 });
      await fc.assert(
        fc.asyncProperty(lines, fc.constantFrom(1, 3_000), async (some, times) => {
          const octets = Buffer.from(
            some
              .map((line) => `${line}\r\n`)
              .join('')
              .repeat(times),
          );
          await session.send({ ...mail, raw: octets });
          expect(server.messages.pop()?.raw.equals(octets)).toBe(true);
        }),
        fuzzRuns(60),
      );
    }
  });

  test('a server that stops reading is noticed, while nothing is in doubt', async () => {
    const server = await raw({
      extensions,
      answer: (socket, _packet, number) => void (number === 1 ? socket.write(goodEnvelope) : socket.pause()),
    });
    const session = await sessionOn(server.port, { socketTimeoutMs: 300 });
    expect(await failureOf(session.send(large))).toMatchObject({
      phase: 'body',
      error: { code: 'ETIMEDOUT' },
    });
    expect(session.alive).toBe(false);
  });

  test('an acceptance before the mail is through is none', async () => {
    const server = await scripted({ bodyStart: '250 2.0.0 Ok' });
    const session = await sessionOn(server.port);
    const { phase, error } = await failureOf(session.send(large));
    expect([phase, error.code, error.response]).toEqual(['body', 'EPROTOCOL', '250 2.0.0 Ok']);
    expect(session.alive).toBe(false);
  });
});

describe('replies', () => {
  test('one that trickles without end does not hold the connection', async () => {
    let trickle: NodeJS.Timeout | undefined;
    running.push({ stop: () => clearInterval(trickle) });
    const server = await raw({
      answer: (socket) => {
        trickle = setInterval(() => socket.write('2'), 10);
      },
    });
    const session = await sessionOn(server.port, { socketTimeoutMs: 200 });
    expect(await failureOf(session.send(mail))).toMatchObject({ error: { code: 'ETIMEDOUT' } });
  });

  test.each([
    ['in one line', `250 ${'x'.repeat(70_000)}`],
    ['in many', '250-more of it\r\n'.repeat(5_000)],
  ])('one of more than 64 kB %s closes the connection', async (_what, reply) => {
    const server = await raw({ answer: (socket) => socket.write(reply) });
    const session = await sessionOn(server.port);
    expect(await failureOf(session.send(mail))).toMatchObject({ error: { code: 'EPROTOCOL' } });
    expect(session.alive).toBe(false);
  });

  test('a refusal whose last octets the server kept is one', async () => {
    const server = await raw({ answer: (socket) => socket.end('550 5.1.1 No such') });
    const { error } = await failureOf((await sessionOn(server.port)).send(mail));
    expect(error.response).toBe('550 5.1.1 No such');
  });

  test.each(['421 4.4.2 Idle', '250 2.0.0 Ok', 'banana'])('%s while idle ends the session', async (reply) => {
    const server = await raw({
      answer: (socket, _packet, number) =>
        socket.write(number === 2 ? `${good[3]}${reply}\r\n` : goodEnvelope),
      extensions,
    });
    const session = await sessionOn(server.port);
    expect(await session.send(mail)).toBe('250 2.0.0 Taken');
    await vi.waitUntil(() => !session.alive);
    expect(await failureOf(session.send(mail))).toMatchObject({ phase: 'envelope' });
  });
});

describe('the envelope', () => {
  const announcements = ['SIZE', 'SIZE 0', 'SIZE 1000000', '8BITMIME', 'SMTPUTF8', 'DSN', 'PIPELINING'];

  test('is what nodemailer would send', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(announcements),
        fc.constantFrom('b@example.com', 'jürgen@example.com', ' b c@example.com', 'b@münchen.example'),
        fc.constantFrom('', 'a@acme.example'),
        async (announced, to, from) => {
          const server = await scripted({
            ehlo: `${['250-scripted', ...announced].join('\r\n250-')}\r\n250 HELP`,
          });
          const session = await sessionOn(server.port);
          await session.send({ ...mail, from, to });
          await sendByNodemailer(server.port, { ...mail, from, to });
          const commands = server.commands.filter((line) => /^(MAIL|RCPT|DATA)/.test(line));
          expect(commands.slice(0, 3)).toEqual(commands.slice(3));
          expect(commands).toHaveLength(6);
        },
      ),
      fuzzRuns(40),
    );
  });

  test('no address says a word of its own to the server', async () => {
    const server = await scripted({});
    const session = await sessionOn(server.port);
    const evil = fc.tuple(
      fc.string(),
      fc.constantFrom('\r', '\n', '\r\n', '<', '>', '\0', '\u0085'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(evil, async (parts) => {
        const to = `x${parts.join('')}x`;
        for (const message of [
          { ...mail, to },
          { ...mail, from: to },
        ])
          expect(await failureOf(session.send(message))).toMatchObject({ error: { code: 'EENVELOPE' } });
      }),
      fuzzRuns(100),
    );
    expect(await failureOf(session.send({ ...mail, to: ' ' }))).toMatchObject({
      error: { code: 'EENVELOPE' },
    });
    expect(server.commands).toHaveLength(1);
    expect(session.alive).toBe(true);
  });
});

/** Each octet a packet, as far as the loopback lets them be: the other side reads before the next is written. */
async function drip(socket: Socket, text: string): Promise<void> {
  for (const octet of Buffer.from(text)) {
    socket.write(Buffer.of(octet));
    await setImmediate();
    await setImmediate();
  }
}

async function sendByNodemailer(port: number, { from, to, raw }: typeof mail): Promise<void> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port });
  connection.connect();
  await once(connection, 'connect');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.send({ from, to: [to], size: raw.length }, raw, (error) => (error ? reject(error) : resolve()));
  await promise.finally(() => connection.close());
}
