import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What the front does with a request: let it through, answer itself, or lose what the API answered: all of it, or
 * half of it, with the connection or without ever going on.
 */
export type Act = 'pass' | 'lose' | 'break' | 'stall' | 'silence' | { status: number; retryAfter?: string };

/** A server between client and API that does as it is told, one act a request; then it lets everything through. */
export interface Front {
  url: string;
  /** Path and body of each request, in the order of their arrival. */
  seen: Array<{ path: string; body: string }>;
  close(): Promise<void>;
}

export async function startFront({ apiUrl, acts }: { apiUrl: string; acts: Act[] }): Promise<Front> {
  const seen: Front['seen'] = [];
  const left = [...acts];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    seen.push({ path: (request.url ?? '').split('?')[0] ?? '', body });
    const act = left.shift() ?? 'pass';
    if (act === 'silence') return;
    if (typeof act === 'object') {
      response
        .writeHead(act.status, act.retryAfter === undefined ? {} : { 'retry-after': act.retryAfter })
        .end();
      return;
    }
    const answer = await fetch(new URL(request.url ?? '', apiUrl), {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      ...(body !== '' && { body }),
    });
    const text = await answer.text();
    if (act === 'lose') request.socket.destroy();
    else if (act === 'pass') pass(response, answer, text);
    else passHalf(response, answer, text, () => act === 'break' && request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(response: ServerResponse, answer: Response, text: string): void {
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text);
}

function passHalf(response: ServerResponse, answer: Response, text: string, sent: () => void): void {
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? '',
    'content-length': Buffer.byteLength(text),
  });
  response.write(text.slice(0, text.length / 2), sent);
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return {
    authorization: headers.authorization ?? '',
    ...(headers['content-type'] && { 'content-type': headers['content-type'] }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
