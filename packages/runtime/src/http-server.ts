import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { type ErrorCode, errorCatalogue, TidingsError, toProblem } from '@tidings/contracts';

/** A running HTTP server. */
export interface HttpServer {
  /** Where it listens, for instance http://127.0.0.1:3000. */
  url: string;
  /** Stops listening, lets running requests finish, then resolves. What is not over by then is cut off. */
  stop(): Promise<void>;
}

/** The other end of a request's connection: behind a proxy that is the proxy. */
export interface Peer {
  /** IP address; empty when the connection is gone already. */
  address: string;
}

/** A fetch handler as Node serves it. */
export type FetchHandler = (request: Request, peer: Peer) => Promise<Response> | Response;

/**
 * Serves a fetch handler over HTTP/1.1. What never reaches the handler because it is not good HTTP is
 * answered with a problem document too, and a request that does not arrive in time ends with 408.
 *
 * `graceMs` is how long `stop` waits for requests that are still running or still arriving.
 */
export async function serveHttp(options: {
  fetch: FetchHandler;
  host: string;
  port: number;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  graceMs?: number;
}): Promise<HttpServer> {
  const { fetch, host, port, headersTimeoutMs = 10_000, requestTimeoutMs = 60_000, graceMs = 5000 } = options;
  const serverOptions = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Node looks for late requests this often; its default of 30 s would stretch both limits.
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    maxHeaderSize: 16_384,
    // Node answers a missing Host with an empty 400: the listener below does it with a document.
    requireHostHeader: false,
  };
  const running: Running = new WeakMap();
  const server = createServer(serverOptions, listenerOf(fetch, host, running));
  server.on('clientError', (error, socket) => answerClientError(error, socket, running.get(socket)));
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => refuse(response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { url: urlOf(server), stop: () => stopServer(server, graceMs) };
}

/** The latest answer of each connection. */
type Running = WeakMap<Duplex, ServerResponse>;

function listenerOf(fetch: FetchHandler, host: string, running: Running) {
  const listener = getRequestListener(
    (request, { incoming }) => fetch(request, { address: incoming.socket.remoteAddress ?? '' }),
    { hostname: host, errorHandler },
  );
  return (request: IncomingMessage, response: ServerResponse) => {
    running.set(request.socket, response);
    // RFC 9112 §3.2: a request of HTTP/1.1 without Host is to be answered 400.
    const lacksHost = request.httpVersion === '1.1' && request.headers.host === undefined;
    if (lacksHost) refuse(response);
    else void listener(request, response);
  };
}

/** A URL or Host that is none, or a handler that threw although it must not. */
function errorHandler(error: unknown): Response {
  const isRequestError = error instanceof Error && error.name === 'RequestError';
  const problem = new TidingsError(isRequestError ? 'malformed_request' : 'internal');
  return new Response(documentOf(problem), {
    status: errorCatalogue[problem.code].status,
    headers: { 'content-type': 'application/problem+json' },
  });
}

function refuse(response: ServerResponse): void {
  const problem = new TidingsError('malformed_request');
  response.writeHead(errorCatalogue[problem.code].status, {
    connection: 'close',
    'content-type': 'application/problem+json',
  });
  response.end(documentOf(problem));
}

/** Such a request never got an id. */
function documentOf(problem: TidingsError): string {
  return JSON.stringify(toProblem(problem, 'none'));
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function stopServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A kept-alive connection becomes idle only when its last answer is out, which may be after this moment.
    const sweep = setInterval(() => server.closeIdleConnections(), 20);
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
  });
}

const codeOf: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** `latest` is the answer to the request before: what is wrong comes after it, unless it is wrong with its body. */
function answerClientError(error: Error & { code?: string }, socket: Duplex, latest?: ServerResponse): void {
  if (latest?.req.complete && !latest.closed) {
    latest.once('close', () => answerClientError(error, socket));
    return;
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new TidingsError(codeOf[error.code ?? ''] ?? 'malformed_request');
  const body = documentOf(problem);
  const { status, title } = errorCatalogue[problem.code];
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
