import { connect, type Socket } from 'node:net';

/** What came back: the status and when the last octet was there, by `performance.now()`. */
export interface HttpReply {
  status: number;
  body: string;
}

/** One HTTP/1.1 connection that has one request under way at a time. */
export interface HttpConnection {
  /** Sends a request that is octets already. */
  request(octets: Buffer, done: (reply: HttpReply) => void): void;
  end(): void;
}

/**
 * The least of an HTTP client: no headers are kept, and only answers with a Content-Length are understood, which
 * all of ours have. A load generator must cost less than what it loads. Anything unexpected is thrown.
 */
export async function openHttpConnection(port: number): Promise<HttpConnection> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let done: ((reply: HttpReply) => void) | undefined;
  let pending = '';
  let ended = false;

  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    pending = pending === '' ? chunk : pending + chunk;
    const headEnd = pending.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(pending) ?? [];
    if (length === undefined) throw new Error(`an answer without a length: ${pending.slice(0, 300)}`);
    const total = headEnd + 4 + Number(length);
    if (pending.length < total) return;
    const reply = { status: Number(pending.slice(9, 12)), body: pending.slice(headEnd + 4, total) };
    pending = pending.slice(total);
    const tell = done;
    done = undefined;
    tell?.(reply);
  });
  socket.on('close', () => {
    if (!ended) throw new Error('the server closed a connection under load');
  });

  return {
    request: (octets, whenDone) => {
      done = whenDone;
      socket.write(octets);
    },
    end: () => {
      ended = true;
      socket.destroy();
    },
  };
}
