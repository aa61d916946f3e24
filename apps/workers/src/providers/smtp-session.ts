import { Socket } from 'node:net';
import type { SmtpEndpoint } from '@tidings/runtime';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { createSmtpDialogue, maxReplyBytes, type SmtpDialogue } from './smtp-dialogue.ts';
import type { SmtpMessage } from './smtp-envelope.ts';
import { readExtensions, type SmtpExtensions } from './smtp-extensions.ts';
import { isAcceptance, SmtpFailure, type SmtpFault, type SmtpPhase, smtpFault } from './smtp-failures.ts';
import { transact } from './smtp-transaction.ts';

/** How long each step may take, in milliseconds. */
export interface SmtpTimeouts {
  connectTimeoutMs: number;
  /** For greeting, EHLO and STARTTLS together; again for AUTH, and for RSET. */
  greetingTimeoutMs: number;
  /** Without progress in the envelope and the body, and for the reply to the final dot. */
  socketTimeoutMs: number;
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

const quitTimeoutMs = 2_000;

/** What a session works with once it is open. */
interface Opened {
  dialogue: SmtpDialogue;
  extensions: SmtpExtensions;
}

/**
 * A connection, not yet opened. Nodemailer's SMTPConnection connects, secures and authenticates it, and goes on to
 * watch its end; the mails are ours. `onEnd` is called once, when it is over.
 */
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
  let opened: Opened | undefined;
  connection.once('end', onEnd);
  connection.once('end', () => opened?.dialogue.end(closedFault()));
  // Without a listener an error on an idle connection would end the process; `end` follows.
  connection.on('error', (error: SmtpFault) => opened?.dialogue.end(error));

  async function open(): Promise<void> {
    let authenticating = false;
    const connecting = setTimeout(() => {
      if (connection.stage !== 'init') return;
      connection.emit('error', smtpFault('ETIMEDOUT', 'Connection timeout'));
      connection.close();
    }, connectTimeoutMs);
    try {
      let greeting = '';
      await exchange(connection, connectTimeoutMs + greetingTimeoutMs, (done) => {
        connection.connect((error?: SmtpFault | null) => {
          // Of the last EHLO: what was said before STARTTLS does not count (RFC 3207 §4.2).
          greeting = connection.lastServerResponse || '';
          done(error);
        });
      });
      authenticating = true;
      await authenticate();
      opened = { dialogue: takeOver(connection), extensions: readExtensions(greeting) };
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
      throw smtpFault('EAUTH', 'The server offers no AUTH for the credentials of the URL');
    await exchange(connection, greetingTimeoutMs, (done) => connection.login({ ...credentials }, done));
  }

  async function send(message: SmtpMessage): Promise<string> {
    let phase: SmtpPhase = 'envelope';
    let timer: NodeJS.Timeout | undefined;
    try {
      const { dialogue, extensions } = mustBeOpen();
      timer = setTimeout(() => dialogue.close(timeoutFault()), socketTimeoutMs);
      return await transact({
        dialogue,
        extensions,
        message,
        onPhase: (entered) => {
          phase = entered;
        },
        onProgress: () => timer?.refresh(),
      });
    } catch (error) {
      throw new SmtpFailure(phase, error as SmtpFault);
    } finally {
      clearTimeout(timer);
    }
  }

  async function reset(): Promise<void> {
    const reply = await command('RSET', greetingTimeoutMs);
    if (!isAcceptance(reply)) throw smtpFault('EPROTOCOL', 'RSET refused', { response: reply });
  }

  async function quit(): Promise<void> {
    if (!connection.destroyed) await command('QUIT', quitTimeoutMs).catch(() => {});
    connection.close();
  }

  /** A command by itself, and its reply. */
  async function command(line: string, timeoutMs: number): Promise<string> {
    const { dialogue } = mustBeOpen();
    const timer = setTimeout(() => dialogue.close(timeoutFault()), timeoutMs);
    dialogue.write(`${line}\r\n`, 1);
    return dialogue.reply().finally(() => clearTimeout(timer));
  }

  function mustBeOpen(): Opened {
    if (!opened) throw smtpFault('ECONNECTION', 'Not open');
    return opened;
  }

  return {
    get alive() {
      return !connection.destroyed;
    },
    open,
    send,
    reset,
    quit,
    drop: () => connection.close(),
  };
}

/**
 * From here on the replies are ours. `_socket` is the one private member of nodemailer's that is used: after STARTTLS
 * it is the TLS socket. Its listeners for errors and the end of the connection stay.
 */
function takeOver(connection: SMTPConnection): SmtpDialogue {
  const socket = connection._socket;
  if (!(socket instanceof Socket)) throw smtpFault('ECONNECTION', 'SMTPConnection has no _socket');
  for (const listener of socket.listeners('data')) socket.off('data', listener as () => void);
  // Ours count the time of a whole step, so that a server that trickles does not hold a connection for ever.
  socket.setTimeout(0);
  return createSmtpDialogue({ socket, onClose: () => connection.close() });
}

type Done<T> = (error?: SmtpFault | null, value?: T) => void;

/**
 * One step of nodemailer's, which calls back from neither `connect` nor `login` when the connection is lost: the
 * events tell. Its own timeouts are of inactivity, so a server that trickles would hold a slot for ever: on ours
 * the connection is closed.
 */
function exchange<T>(
  connection: SMTPConnection,
  timeoutMs: number,
  start: (done: Done<T>) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    reject(timeoutFault());
    connection.close();
  }, timeoutMs);
  const onEnd = () => reject(closedFault());
  connection.once('error', reject);
  connection.once('end', onEnd);
  try {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
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

function closedFault(): SmtpFault {
  return smtpFault('ECONNECTION', 'Connection closed');
}

function timeoutFault(): SmtpFault {
  return smtpFault('ETIMEDOUT', 'Timeout');
}
