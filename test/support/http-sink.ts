import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface HttpSinkReply {
  status: number;
  headers?: Record<string, string>;
  /** What is not text or octets is said as JSON. */
  body?: unknown;
}

/**
 * What else can happen to a request: `drop` (the connection is destroyed), `half` (a 200 and the half of a body
 * come before that), `silence`, or `endless` (a 200 that does not end).
 */
export type HttpSinkFault = 'drop' | 'half' | 'silence' | 'endless';

/** What is said to a request. Undefined: what it deserves. */
export type HttpSinkAnswer = HttpSinkReply | HttpSinkFault | undefined;

/** A request that came in full. */
export interface HttpSinkRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The body, where it is JSON. */
  json: Record<string, unknown> | undefined;
  /** Which connection it came on, from 1. */
  connection: number;
  said?: HttpSinkReply | HttpSinkFault;
}

export interface HttpSinkOptions {
  port?: number;
  /** By how many requests, from 1, have come. A promise holds the answer back. */
  answer?: (count: number, request: HttpSinkRequest) => HttpSinkAnswer | Promise<HttpSinkAnswer>;
  /** https instead of http. */
  certificate?: Certificate;
}

export interface HttpSink {
  readonly url: string;
  readonly port: number;
  /** Every request that came in full, in the order of arrival, whatever was said to it. */
  readonly requests: HttpSinkRequest[];
  /** Connections: all there ever were, those that are open, and the most at once. */
  readonly connections: { readonly total: number; readonly open: number; readonly most: number };
  /** Octets of `endless` bodies that were poured out. */
  readonly pouredBytes: number;
  /** Destroys every connection. */
  dropAll(): void;
  stop(): Promise<void>;
}

/** A provider on 127.0.0.1, by HTTP/1.1. `judge` says what a request deserves, as the provider would say it. */
export async function startHttpSink(
  judge: (request: HttpSinkRequest) => HttpSinkReply | Promise<HttpSinkReply>,
  { port = 0, answer = () => undefined, certificate }: HttpSinkOptions = {},
): Promise<HttpSink> {
  const sockets = new Map<Socket, number>();
  const requests: HttpSinkRequest[] = [];
  const connections = { total: 0, open: 0, most: 0 };
  let pouredBytes = 0;

  function sayReply(response: ServerResponse, { status, headers = {}, body = '' }: HttpSinkReply): void {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(isRaw ? body : JSON.stringify(body));
  }

  function give(response: ServerResponse, said: HttpSinkReply | HttpSinkFault): void {
    if (said === 'drop') response.socket?.destroy();
    else if (said === 'half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"id": "', () => response.socket?.destroy());
    } else if (said === 'endless') {
      response.writeHead(200);
      pour(response, (bytes) => {
        pouredBytes += bytes;
      });
    } else if (said !== 'silence') sayReply(response, said);
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = incoming;
    const connection = sockets.get(incoming.socket) ?? 0;
    const body = Buffer.concat(await incoming.toArray());
    const request: HttpSinkRequest = { method, path, headers, body, json: jsonOf(body), connection };
    requests.push(request);
    request.said = (await answer(requests.length, request)) ?? (await judge(request));
    give(response, request.said);
  }

  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => {});
    serve(incoming, response).catch(() => incoming.destroy());
  };
  const server = certificate ? createHttpsServer(certificate, onRequest) : createHttpServer(onRequest);
  server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections.total += 1;
    connections.open += 1;
    connections.most = Math.max(connections.most, connections.open);
    sockets.set(socket, connections.total);
    socket.on('error', () => {});
    socket.once('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
  });
  // A client that does not like the certificate is no fault of the server.
  server.on('tlsClientError', () => {});
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const bound = (server.address() as AddressInfo).port;
  const dropAll = () => {
    for (const socket of sockets.keys()) socket.destroy();
  };

  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${bound}`,
    port: bound,
    requests,
    connections,
    get pouredBytes() {
      return pouredBytes;
    },
    dropAll,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      dropAll();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A body without end, as fast as it is read. */
function pour(response: ServerResponse, onPoured: (bytes: number) => void): void {
  const chunk = ' '.repeat(16_384);
  const more = () => {
    while (!response.destroyed && response.write(chunk)) onPoured(chunk.length);
  };
  response.on('drain', more);
  more();
}

function jsonOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
