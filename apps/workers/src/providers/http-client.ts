import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { withDeadline } from '@tidings/runtime';
import { Agent, type buildConnector, type Dispatcher } from 'undici';
import type { Http2Fate } from './http2-session.ts';

/** A POST when there is a body, else a GET. */
export interface HttpRequest {
  url: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}

export interface HttpReply {
  status: number;
  headers: IncomingHttpHeaders;
  /** At most `maxReplyBytes` of it as it was sent, or what came until it broke off. */
  body: string;
}

/**
 * What became of a request that has no reply: `not_sent` (nothing of it left) or `unknown`. HTTP/1.1 has no word
 * for a request that was refused unseen.
 */
export type HttpFate = Exclude<Http2Fate, 'refused'>;

/** A request without a reply. Its message names at most the host, and nothing that was sent. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly fate: HttpFate;
  /** Of the network, TLS or Node, such as `ECONNREFUSED`. */
  readonly code: string;
  /** TLS could not be agreed upon, or the certificate is not to be trusted: waiting does not mend it. */
  readonly isTlsFault: boolean;

  constructor(fate: HttpFate, code: string, message: string) {
    super(message);
    this.fate = fate;
    this.code = code;
    this.isTlsFault = fate === 'not_sent' && isTlsCode(code);
  }
}

export interface HttpClientOptions {
  /** TCP and TLS. With a `connect` of one's own that one sees to it. */
  connectTimeoutMs?: number;
  /** From the request's first octet to the reply's head. */
  replyTimeoutMs?: number;
  /** For everything, the wait for a connection included. */
  totalTimeoutMs?: number;
  /** For each origin. One carries one request at a time. */
  maxConnections?: number;
  maxReplyBytes?: number;
  /** How long `close` waits for the replies still to come. */
  closeTimeoutMs?: number;
  tls?: Pick<ConnectionOptions, 'ca'>;
  /** Opens connections instead of undici, as `createSafeConnector` does. */
  connect?: buildConnector.connector;
}

export interface HttpClient {
  /** Answers whatever the status is; a redirect is not followed. Rejects with `HttpFailure`. */
  request(request: HttpRequest): Promise<HttpReply>;
  /** Takes nothing more; waits for the replies still to come, for at most `closeTimeoutMs`. */
  close(): Promise<void>;
}

/**
 * Requests by HTTP/1.1 over connections that are kept. An idle one is closed after four seconds, or before the
 * server would (its Keep-Alive): a request on one that the server is closing would be in doubt.
 *
 * No compression is asked for or undone, so a reply takes no more memory than it has octets.
 */
export function createHttpClient({
  connectTimeoutMs = 10_000,
  replyTimeoutMs = 30_000,
  totalTimeoutMs = 60_000,
  maxConnections = 32,
  maxReplyBytes = 64 * 1024,
  closeTimeoutMs = 5_000,
  tls = {},
  connect,
}: HttpClientOptions = {}): HttpClient {
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    // These two are kept by us, to the millisecond.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: connect ?? { ...tls, timeout: connectTimeoutMs },
  });
  const underWay = new Set<Promise<unknown>>();
  let closed = false;

  async function request({ url, headers, body }: HttpRequest): Promise<HttpReply> {
    if (closed) throw new HttpFailure('not_sent', 'ECLOSED', 'The provider is closed');
    const { origin, pathname, search } = new URL(url);
    const { handler, reply } = createReceiver({ replyTimeoutMs, totalTimeoutMs, maxReplyBytes });
    const method = body === undefined ? 'GET' : 'POST';
    const settled = reply.finally(() => underWay.delete(settled));
    underWay.add(settled);
    agent.dispatch({ origin, path: `${pathname}${search}`, method, headers, body: body ?? null }, handler);
    return settled;
  }

  async function close(): Promise<void> {
    closed = true;
    await withDeadline(Promise.allSettled(underWay), closeTimeoutMs);
    await agent.destroy();
  }

  return { request, close };
}

/** Takes in one reply. Settles once, within its times. */
function createReceiver(options: { replyTimeoutMs: number; totalTimeoutMs: number; maxReplyBytes: number }): {
  handler: Dispatcher.DispatchHandler;
  reply: Promise<HttpReply>;
} {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let head: Omit<HttpReply, 'body'> | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let isOver = false;
  let replyTimer: NodeJS.Timeout | undefined;
  const totalTimer = setTimeout(() => end(timeout('Request timeout')), options.totalTimeoutMs);

  /** With the status the server has answered, however the rest of the reply fared. */
  function end(fault?: Error): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(totalTimer);
    clearTimeout(replyTimer);
    if (head) {
      const body = Buffer.concat(chunks).subarray(0, options.maxReplyBytes).toString();
      resolve({ ...head, body });
    } else reject(failureOf(controller === undefined ? 'not_sent' : 'unknown', fault));
    // The connection goes with it, unless the reply is complete.
    if (fault) controller?.abort(fault);
  }

  const handler: Dispatcher.DispatchHandler = {
    // The connection stands, and the next thing is the request's first octet.
    onRequestStart: (given) => {
      if (isOver) return given.abort(timeout('Request timeout'));
      controller = given;
      clearTimeout(replyTimer);
      replyTimer = setTimeout(() => end(timeout('Reply timeout')), options.replyTimeoutMs);
    },
    onResponseStart: (_controller, status, headers) => {
      // A 1xx comes before the reply (RFC 9110 §15.2).
      if (status < 200) return;
      clearTimeout(replyTimer);
      head = { status, headers };
    },
    onResponseData: (_controller, chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= options.maxReplyBytes) end(new Error('The reply is long enough'));
    },
    onResponseEnd: () => end(),
    onResponseError: (_controller, error) => end(error),
  };
  return { handler, reply: promise };
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

function failureOf(fate: HttpFate, fault?: Error): HttpFailure {
  const { code, name, message } = (fault ?? new Error('Connection lost')) as NodeJS.ErrnoException;
  // One of several addresses' failures has a code and no words.
  return new HttpFailure(fate, code ?? name, message || `Connection failed: ${code ?? name}`);
}

// A TLS failure carries OpenSSL's name (`CERT_HAS_EXPIRED`, `ERR_SSL_…`), a network failure an errno's.
function isTlsCode(code: string): boolean {
  return code === 'EPROTO' || !/^(E[A-Z0-9]+|EAI_[A-Z]+|ERR_SOCKET_.*|UND_ERR_.*|[A-Z][a-z].*)$/.test(code);
}
