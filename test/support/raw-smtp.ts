import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import testCertificate from 'smtp-server/lib/tls-options.js';

export interface RawSmtp {
  readonly port: number;
  /** What came after the EHLO that counts, packet by packet. */
  readonly packets: string[];
  stop(): Promise<void>;
}

/**
 * Greets, answers EHLO, and leaves all that comes then to `answer`, packet by packet: for what hangs on where packets
 * begin and end. With `afterStartTls` it offers STARTTLS, and announces those extensions within.
 */
export async function startRawSmtp({
  extensions = [],
  afterStartTls,
  answer,
}: {
  extensions?: string[];
  afterStartTls?: string[];
  answer: (socket: Socket, packet: string, number: number) => void;
}): Promise<RawSmtp> {
  const sockets = new Set<Socket>();
  const packets: string[] = [];

  function serve(socket: Socket, announced: string[]): void {
    let number = 0;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const packet = chunk.toString('latin1');
      if (packet.startsWith('EHLO')) return void socket.write(helloWith(announced));
      if (packet.startsWith('STARTTLS')) return secure(socket);
      packets.push(packet);
      number += 1;
      answer(socket, packet, number);
    });
  }

  function secure(plain: Socket): void {
    plain.removeAllListeners('data');
    plain.write('220 Go\r\n');
    serve(new TLSSocket(plain, { isServer: true, ...testCertificate() }), afterStartTls ?? []);
  }

  const server = createServer({ noDelay: true }, (socket) => {
    serve(socket, afterStartTls ? [...extensions, 'STARTTLS'] : extensions);
    socket.write('220 raw ESMTP\r\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    packets,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function helloWith(extensions: string[]): string {
  const lines = ['raw', ...extensions];
  return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
}
