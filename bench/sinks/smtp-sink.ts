import { createServer, type Socket } from 'node:net';
import type { Arrivals } from './arrivals.ts';

const [ready, hello, helloPipelining, ok, goAhead, bye] = [
  '220 sink ESMTP\r\n',
  '250-sink\r\n250 8BITMIME\r\n',
  '250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n',
  '250 2.0.0 Ok\r\n',
  '354 Go ahead\r\n',
  '221 2.0.0 Bye\r\n',
];

const endOfBody = Buffer.from('\r\n.\r\n');
const stampMark = Buffer.from('/t/');

/** What a sink does beside counting. */
export interface SmtpSinkOptions {
  /** Says so in its EHLO; it always understands it. */
  pipelining: boolean;
  /** Milliseconds before the reply to the final dot. */
  delayMs: number;
  /** Reads the instant that `createRequests` put into a mail. */
  stamps: boolean;
}

/**
 * The least of an SMTP server: it finds the ends of lines and bodies, says yes to everything and counts. It looks at
 * no address and keeps no mail, so that the other side is what is measured.
 */
export function listenForSmtp(options: SmtpSinkOptions, arrivals: Arrivals) {
  const { pipelining, delayMs, stamps } = options;

  function serve(socket: Socket): void {
    let pending: Buffer | undefined;
    let inBody = false;

    function takeBody(octets: Buffer, from: number): number {
      const end = octets.indexOf(endOfBody, from);
      if (end < 0) return -1;
      arrivals.note(stamps ? stampIn(octets.subarray(from, end)) : undefined);
      inBody = false;
      if (delayMs === 0) socket.write(ok);
      else setTimeout(() => socket.write(ok), delayMs);
      return end + endOfBody.length;
    }

    function takeLine(octets: Buffer, from: number): number {
      const end = octets.indexOf('\n', from, 'latin1');
      if (end < 0) return -1;
      // The first letter is enough to tell EHLO and HELO, MAIL, RCPT and RSET, DATA, and QUIT apart.
      switch ((octets[from] ?? 0) & 0xdf) {
        case 0x45:
        case 0x48:
          socket.write(pipelining ? helloPipelining : hello);
          break;
        case 0x44:
          inBody = true;
          socket.write(goAhead);
          break;
        case 0x51:
          socket.end(bye);
          break;
        default:
          socket.write(ok);
      }
      return end + 1;
    }

    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const octets = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      let from = 0;
      // What is said to one packet goes out as one.
      socket.cork();
      while (from < octets.length) {
        const next = inBody ? takeBody(octets, from) : takeLine(octets, from);
        if (next < 0) break;
        from = next;
      }
      socket.uncork();
      pending = from < octets.length ? octets.subarray(from) : undefined;
    });
    socket.write(ready);
  }

  return createServer(serve);
}

/** The instant after `/t/`, in milliseconds since the epoch, when the mail has one. */
function stampIn(body: Buffer): number | undefined {
  const mark = body.indexOf(stampMark);
  if (mark < 0) return undefined;
  const at = mark + stampMark.length;
  return Number(body.toString('latin1', at, body.indexOf(0x2f, at)));
}
