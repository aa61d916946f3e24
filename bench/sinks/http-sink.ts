import { createServer, type Server, type Socket } from 'node:net';
import type { Arrivals } from './arrivals.ts';

const tokenAnswer = answerOf({ access_token: 'ya29.bench', expires_in: 3600, token_type: 'Bearer' });
const messageAnswer = answerOf({ name: 'projects/bench/messages/0:1700000000000000' });

/**
 * The least of an HTTP/1.1 server: a token to whoever asks for `/token`, else FCM's answer to a message. What `fetch`
 * speaks, which has no HTTP/2 of its own accord.
 */
export function listenForHttp(arrivals: Arrivals): Server {
  return createServer((socket: Socket) => {
    let pending = '';
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => {
      pending += chunk;
      for (;;) {
        const headEnd = pending.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(pending.slice(0, headEnd)) ?? [];
        const end = headEnd + 4 + Number(length);
        if (pending.length < end) return;
        const isToken = pending.startsWith('POST /token ');
        pending = pending.slice(end);
        if (!isToken) arrivals.note(undefined);
        socket.write(isToken ? tokenAnswer : messageAnswer);
      }
    });
  });
}

function answerOf(body: unknown): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}
