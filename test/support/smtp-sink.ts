import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import type { Certificate } from './certificate.ts';

/** A message a test server took. */
export interface ReceivedMail {
  envelopeFrom: string;
  recipients: string[];
  raw: Buffer;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface SmtpSink {
  readonly received: ReceivedMail[];
  readonly url: string;
  /** The messages, as soon as there are `count`. Rejects after `timeoutMs`. */
  waitFor(count: number, timeoutMs?: number): Promise<ReceivedMail[]>;
  /** From the next handshake on it shows this one. */
  useCertificate(certificate: Certificate): void;
  stop(): Promise<void>;
}

/** A real SMTP server on 127.0.0.1 that keeps what it accepts. */
export async function startSmtpSink({
  port = 0,
  auth,
  tls = 'none',
  certificate,
  acceptDelayMs = 0,
  onRecipient = () => undefined,
  received = [],
}: {
  port?: number;
  /** Demands these credentials; they are part of `url`. */
  auth?: { user: string; pass: string };
  tls?: 'none' | 'starttls' | 'implicit';
  /** Without one it shows one that nobody trusts. */
  certificate?: Certificate;
  /** Before the reply to the final dot, the same for all or of each. */
  acceptDelayMs?: number | (() => number);
  /** The reply to RCPT of an address, such as `451 4.7.1 Later`; undefined takes it. */
  onRecipient?: (address: string) => string | undefined;
  /** Where it writes down what it takes, for a server that comes back. */
  received?: ReceivedMail[];
} = {}): Promise<SmtpSink> {
  const waiters = new Set<() => void>();
  let isClosed = false;
  const server = new SMTPServer({
    logger: false,
    secure: tls === 'implicit',
    hideSTARTTLS: tls !== 'starttls',
    authOptional: auth === undefined,
    allowInsecureAuth: true,
    disabledCommands: auth ? [] : ['AUTH'],
    disableReverseLookup: true,
    closeTimeout: 10,
    ...certificate,
    onAuth: ({ username, password }, _session, done) => {
      if (username === auth?.user && password === auth?.pass) done(null, { user: username });
      else done(Object.assign(new Error('Authentication failed'), { responseCode: 535 }));
    },
    onRcptTo: ({ address }, _session, done) => {
      const [, code, text] = /^(\d{3}) (.*)$/.exec(onRecipient(address) ?? '') ?? [];
      if (code === undefined) done();
      else done(Object.assign(new Error(text), { responseCode: Number(code) }));
    },
    onData: async (stream, { envelope }, done) => {
      const chunks = await stream.toArray().catch(() => undefined);
      // The client vanished in the middle of the body: that was no message.
      if (chunks === undefined) return done();
      const raw = Buffer.concat(chunks);
      await delay(typeof acceptDelayMs === 'number' ? acceptDelayMs : acceptDelayMs());
      // It was told 421 in place of a reply, so that was not taken.
      if (isClosed) return done();
      const recipients = envelope.rcptTo.map(({ address }) => address);
      const envelopeFrom = envelope.mailFrom ? envelope.mailFrom.address : '';
      received.push({ envelopeFrom, recipients, raw, at: Date.now() });
      for (const wake of waiters) wake();
      done();
    },
  });
  // A client that vanishes is no fault of the server.
  server.on('error', () => {});
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const { port: boundPort } = server.server.address() as AddressInfo;
  const user = auth ? `${encodeURIComponent(auth.user)}:${encodeURIComponent(auth.pass)}@` : '';

  return {
    received,
    url: `${tls === 'implicit' ? 'smtps' : 'smtp'}://${user}127.0.0.1:${boundPort}`,
    waitFor: (count, timeoutMs = 10_000) => whenThereAre(received, count, waiters, timeoutMs),
    useCertificate: (next) => server.updateSecureContext(next),
    stop: async () => {
      // Called back in the very turn in which whoever is still there is told 421.
      await new Promise<void>((resolve) =>
        server.close(() => {
          isClosed = true;
          resolve();
        }),
      );
    },
  };
}

async function whenThereAre(
  received: ReceivedMail[],
  count: number,
  waiters: Set<() => void>,
  timeoutMs: number,
): Promise<ReceivedMail[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const check = () => received.length >= count && resolve();
  const timer = setTimeout(
    () => reject(new Error(`${received.length} of ${count} messages came`)),
    timeoutMs,
  );
  waiters.add(check);
  check();
  await promise.finally(() => {
    clearTimeout(timer);
    waiters.delete(check);
  });
  return received;
}
