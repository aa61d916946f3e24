import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { isAcceptance, SmtpFailure, type SmtpFault, type SmtpPhase } from './smtp-failures.ts';
import type { SmtpEndpoint } from './smtp-url.ts';

/** How long each step may take, in milliseconds. */
export interface SmtpTimeouts {
  connectTimeoutMs: number;
  /** For greeting, EHLO and STARTTLS together; again for AUTH, and for RSET. */
  greetingTimeoutMs: number;
  /** Without progress in the envelope and the body, and for the reply to the final dot. */
  socketTimeoutMs: number;
}

/** One message for one recipient. */
export interface SmtpMessage {
  from: string;
  to: string;
  raw: Buffer;
}

/** One connection to the server. Every promise settles within its timeout; failures are `SmtpFailure`. */
export interface SmtpSession {
  readonly alive: boolean;
  /** Connects, greets, secures and authenticates. */
  open(): Promise<void>;
  /** The server's reply, always an acceptance. */
  send(message: SmtpMessage): Promise<string>;
  /** RSET: forgets an unfinished envelope. */
  reset(): Promise<void>;
  /** QUIT, then closes. Resolves when closed, within two seconds. */
  quit(): Promise<void>;
  /** Closes at once. */
  drop(): void;
}

const maxReplyBytes = 64 * 1024;
const quitTimeoutMs = 2_000;

/** Wraps nodemailer's SMTPConnection, not yet connected. `onEnd` is called once, when it is over. */
export function createSmtpSession(
  options: SmtpTimeouts & { endpoint: SmtpEndpoint; onEnd: () => void },
): SmtpSession {
  const { endpoint, connectTimeoutMs, greetingTimeoutMs, socketTimeoutMs, onEnd } = options;
  const connection = new SMTPConnection({
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.secure,
    requireTLS: endpoint.requireTls,
    tls: endpoint.tls,
    // Nodemailer counts this one from the first DNS query to the greeting, whatever greetingTimeout says.
    connectionTimeout: connectTimeoutMs + greetingTimeoutMs,
    greetingTimeout: greetingTimeoutMs,
    socketTimeout: socketTimeoutMs,
    socketCloseTimeout: quitTimeoutMs,
    maxResponseSize: maxReplyBytes,
  });
  connection.once('end', onEnd);
  // Without a listener an error on an idle connection would end the process; `end` follows and says enough.
  connection.on('error', () => {});

  async function open(): Promise<void> {
    let authenticating = false;
    const connecting = setTimeout(() => {
      if (connection.stage !== 'init') return;
      connection.emit('error', fault('ETIMEDOUT', 'Connection timeout'));
      connection.close();
    }, connectTimeoutMs);
    try {
      await exchange(connection, connectTimeoutMs + greetingTimeoutMs, (done) => {
        connection.connect(done);
      });
      authenticating = true;
      await authenticate();
    } catch (error) {
      connection.close();
      throw new SmtpFailure(authenticating ? 'auth' : openingPhase(connection), error as SmtpFault);
    } finally {
      clearTimeout(connecting);
    }
  }

  async function authenticate(): Promise<void> {
    const { credentials } = endpoint;
    if (!credentials) return;
    if (!connection.allowsAuth)
      throw fault('EAUTH', 'The server offers no AUTH for the credentials of the URL');
    await exchange(connection, greetingTimeoutMs, (done) => connection.login({ ...credentials }, done));
  }

  async function send({ from, to, raw }: SmtpMessage): Promise<string> {
    let phase = 'envelope' as SmtpPhase;
    try {
      const info = await exchange<{ response: string }>(connection, socketTimeoutMs, (done, stillMoving) => {
        const body = readInChunks(raw, () => {
          phase = 'body';
          stillMoving();
        });
        body.once('end', () => {
          phase = 'handed_over';
        });
        connection.send({ from, to, size: raw.length }, body, done);
      });
      // An acceptance of something the server has not read yet is no acceptance.
      if (phase === 'handed_over' && isAcceptance(info.response)) return info.response;
      throw fault('EPROTOCOL', 'Not a reply to the message', info.response);
    } catch (error) {
      throw new SmtpFailure(phase, error as SmtpFault);
    }
  }

  async function quit(): Promise<void> {
    if (connection.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    connection.once('end', resolve);
    const timer = setTimeout(() => connection.close(), quitTimeoutMs);
    timer.unref();
    connection.quit();
    await promise;
    clearTimeout(timer);
  }

  return {
    get alive() {
      return !connection.destroyed;
    },
    open,
    send,
    reset: async () => {
      await exchange(connection, greetingTimeoutMs, (done) => connection.reset(done));
    },
    quit,
    drop: () => connection.close(),
  };
}

type Done<T> = (error?: SmtpFault | null, value?: T) => void;

/**
 * One command and its answer. Nodemailer calls back to `send` when the connection is lost, but never to
 * `connect`, `login` or `reset`: those learn it from the events. Its own timeouts are of inactivity, so a
 * server that trickles would hold a slot for ever: on ours the connection is closed.
 */
function exchange<T>(
  connection: SMTPConnection,
  timeoutMs: number,
  start: (done: Done<T>, stillMoving: () => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    reject(fault('ETIMEDOUT', 'Timeout'));
    connection.close();
  }, timeoutMs);
  // The callback that knows the reply (a 421) comes just after `end`, in the same tick.
  const onEnd = () => queueMicrotask(() => reject(fault('ECONNECTION', 'Connection closed')));
  connection.once('error', reject);
  connection.once('end', onEnd);
  try {
    start(
      (error, value) => (error ? reject(error) : resolve(value as T)),
      () => timer.refresh(),
    );
  } catch (error) {
    reject(error);
  }
  return promise.finally(() => {
    clearTimeout(timer);
    connection.off('error', reject);
    connection.off('end', onEnd);
  });
}

function openingPhase(connection: SMTPConnection): SmtpPhase {
  if (connection.stage === 'init') return 'connect';
  return connection.upgrading ? 'tls' : 'greeting';
}

function fault(code: string, message: string, response?: string): SmtpFault {
  return Object.assign(new Error(message), { code, response });
}

// Chunks small enough that a slow connection is noticed: `end` comes when the last one has been taken.
const chunkBytes = 16 * 1024;

function readInChunks(raw: Buffer, onRead: () => void): Readable {
  let offset = 0;
  return new Readable({
    highWaterMark: chunkBytes,
    read() {
      onRead();
      this.push(offset < raw.length ? raw.subarray(offset, offset + chunkBytes) : null);
      offset += chunkBytes;
    },
  });
}
