import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ReceivedMail } from './smtp-sink.ts';

/**
 * What the server says at a stage: a reply (CRLF is added), `drop` (the socket is destroyed), `silence`, or one
 * of these by how many times, from 1, the stage has been reached on all connections together, and by the line of the
 * client that reached it.
 */
export type Stage = string | ((count: number, line: string) => string);

/** One entry per stage; what is missing is answered well. A reply that begins with 421 also ends the connection. */
export interface SmtpScript {
  greeting?: Stage;
  ehlo?: Stage;
  auth?: Stage;
  mail?: Stage;
  rcpt?: Stage;
  data?: Stage;
  /** At the first octets of a body; `silence` is the usual. */
  bodyStart?: Stage;
  /** The reply to the final dot. */
  body?: Stage;
  rset?: Stage;
  quit?: Stage;
}

export interface ScriptedSmtp {
  readonly url: string;
  readonly port: number;
  /** Every line a client sent outside bodies. */
  readonly commands: string[];
  /** Every body that ended with its dot, whatever the reply was. */
  readonly messages: ReceivedMail[];
  readonly connections: { readonly total: number; readonly open: number; readonly most: number };
  /** Destroys every open connection, as a server does that restarts. Resolves when they are closed here. */
  dropAll(): Promise<void>;
  stop(): Promise<void>;
}

const well: Record<keyof SmtpScript, string> = {
  greeting: '220 scripted ESMTP',
  ehlo: '250 scripted',
  auth: '235 2.7.0 Accepted',
  mail: '250 2.1.0 Ok',
  rcpt: '250 2.1.5 Ok',
  data: '354 Go ahead',
  bodyStart: 'silence',
  body: '250 2.0.0 Ok',
  rset: '250 2.0.0 Ok',
  quit: '221 2.0.0 Bye',
};

const stages: Record<string, keyof SmtpScript> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
  RSET: 'rset',
  QUIT: 'quit',
};

/** A raw state machine on 127.0.0.1 that says what the script says. */
export async function startScriptedSmtp(script: SmtpScript = {}): Promise<ScriptedSmtp> {
  const sockets = new Set<Socket>();
  const counts: Partial<Record<keyof SmtpScript, number>> = {};
  const commands: string[] = [];
  const messages: ReceivedMail[] = [];
  const connections = { total: 0, open: 0, most: 0 };

  /** The reply that was given. */
  function play(stage: keyof SmtpScript, socket: Socket, line = ''): string {
    counts[stage] = (counts[stage] ?? 0) + 1;
    const entry = script[stage] ?? well[stage];
    const reply = typeof entry === 'string' ? entry : entry(counts[stage], line);
    if (reply === 'drop') socket.destroy();
    else if (reply !== 'silence') socket.write(`${reply}\r\n`);
    if (reply.startsWith('421') || stage === 'quit') socket.end();
    return reply;
  }

  function serve(socket: Socket): void {
    let pending = '';
    let inBody = false;
    let bodyBegan = false;
    let hasSender = false;
    let envelope = { envelopeFrom: '', recipients: [] as string[] };

    function command(line: string): void {
      commands.push(line);
      const stage = stages[line.slice(0, 4).toUpperCase()];
      if (!stage) return void socket.write('500 5.5.1 What?\r\n');
      const outOfTurn =
        (stage === 'rcpt' && !hasSender) || (stage === 'data' && envelope.recipients.length === 0);
      if (outOfTurn) return void socket.write('503 5.5.1 Out of turn\r\n');
      const accepted = /^[23]/.test(play(stage, socket, line));
      const address = /<(.*)>/.exec(line)?.[1] ?? '';
      if (stage === 'mail') hasSender = accepted;
      if (stage === 'mail') envelope = { envelopeFrom: address, recipients: [] };
      if (stage === 'rcpt' && accepted) envelope.recipients.push(address);
      inBody = stage === 'data' && accepted;
      bodyBegan = false;
    }

    function takeBody(): boolean {
      if (pending === '') return false;
      if (!bodyBegan) play('bodyStart', socket);
      bodyBegan = true;
      // Dropped at its first octets: what came with them was never a message.
      if (socket.destroyed) return false;
      const end = pending.startsWith('.\r\n') ? 0 : pending.indexOf('\r\n.\r\n') + 2;
      if (end === 1) return false;
      // RFC 5321 §4.5.2: one leading dot was added to each line that began with one.
      const raw = Buffer.from(pending.slice(0, end).replace(/(^|\r\n)\./g, '$1'), 'latin1');
      messages.push({ ...envelope, raw, at: Date.now() });
      pending = pending.slice(end + 3);
      inBody = false;
      play('body', socket);
      return true;
    }

    function takeLine(): boolean {
      const end = pending.indexOf('\r\n');
      if (end < 0) return false;
      const line = pending.slice(0, end);
      pending = pending.slice(end + 2);
      command(line);
      return true;
    }

    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('data', (chunk) => {
      pending += chunk;
      while (!socket.destroyed && (inBody ? takeBody() : takeLine())) {}
    });
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    connections.total += 1;
    connections.open += 1;
    connections.most = Math.max(connections.most, connections.open);
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
    serve(socket);
    play('greeting', socket);
  });

  async function dropAll(): Promise<void> {
    const closing = [...sockets].map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closing);
  }

  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    commands,
    messages,
    connections,
    dropAll,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await dropAll();
      await closed;
    },
  };
}
