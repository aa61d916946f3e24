import { connect, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';

/** A POST. Anything else can be added by whoever needs it. */
export interface Http2Request {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Http2Reply {
  status: number;
  headers: IncomingHttpHeaders;
  /** At most `maxReplyBytes` of it, or what came until it broke off. */
  body: string;
}

/**
 * What became of a request that has no reply: `not_sent` (the peer never had all of it, so it cannot have acted
 * on it), `refused` (the peer said that it did not look at it: RFC 9113 §8.7, safe to send again) or `unknown`.
 */
export type Http2Fate = 'not_sent' | 'refused' | 'unknown';

/** A request without a reply, or a session that could not be opened. */
export class Http2Failure extends Error {
  override readonly name = 'Http2Failure';
  readonly fate: Http2Fate;
  /** Of the network, TLS or Node, such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(fate: Http2Fate, code: string, message: string) {
    super(message);
    this.fate = fate;
    this.code = code;
  }
}

export interface Http2SessionOptions {
  /** `https://…` (HTTP/2 by ALPN) or `http://…` (HTTP/2 with prior knowledge, RFC 9113 §3.3). */
  origin: string;
  /** Until the peer's settings are there: TCP, TLS and the first round trip. */
  connectTimeoutMs: number;
  /** From the request's first octet to the reply's last. */
  requestTimeoutMs: number;
  pingTimeoutMs: number;
  /** Streams at once, when the peer allows more. */
  maxStreams: number;
  maxReplyBytes: number;
  tls: ConnectionOptions;
  /** Called when there may be room for another request, and when the session is over. */
  onChange: () => void;
}

/** One connection with its streams. Every promise settles within its timeout; failures are `Http2Failure`. */
export interface Http2Session {
  /** Whether new requests may go out on it. */
  readonly usable: boolean;
  /** How many requests may go out now, by the peer's limit and ours. */
  readonly freeStreams: number;
  /** Milliseconds since the peer was last heard. */
  readonly silentMs: number;
  /** Resolves when the session is over. */
  readonly ended: Promise<void>;
  /** Waits until the peer's settings are known: to send before could break its limit. */
  open(): Promise<void>;
  request(request: Http2Request): Promise<Http2Reply>;
  /** Resolves when the peer answers. */
  ping(): Promise<void>;
  /** Takes no more requests and ends with the last reply. */
  retire(): void;
  /** Ends at once; what is in hand fails. */
  drop(): void;
}

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** Begins to connect; `open` waits for it. */
export function createHttp2Session(options: Http2SessionOptions): Http2Session {
  const { origin, connectTimeoutMs, requestTimeoutMs, pingTimeoutMs, maxStreams, maxReplyBytes } = options;
  const session = connect(origin, { ...options.tls, settings: { enablePush: false } });
  const ended = new Promise<void>((resolve) => session.once('close', resolve));
  /** The last stream that the peer may have acted on, once it has said GOAWAY (RFC 9113 §6.8). */
  let lastStreamId: number | undefined;
  let openStreams = 0;
  let heardAt = performance.now();

  const heard = () => {
    heardAt = performance.now();
  };
  // Without a listener an error would end the process; `close` follows, and the streams tell what it meant.
  session.on('error', () => {});
  session.on('goaway', (_code, id) => {
    lastStreamId = id;
  });
  session.on('remoteSettings', options.onChange);
  session.on('close', options.onChange);

  async function open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (code: string, message: string) => reject(new Http2Failure('not_sent', code, message));
    const timer = setTimeout(() => fail('ETIMEDOUT', 'Connection timeout'), connectTimeoutMs);
    session.once('remoteSettings', () => resolve());
    session.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.name, error.message));
    session.once('close', () => fail('ECONNECTION', 'Connection closed'));
    try {
      await promise;
      heard();
    } catch (failure) {
      session.destroy();
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  async function request({ path, headers, body }: Http2Request): Promise<Http2Reply> {
    const stream = session.request({ ...headers, ':method': 'POST', ':path': path });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
    let fault: NodeJS.ErrnoException = Object.assign(new Error('Connection lost'), { code: 'ECONNECTION' });
    let withheld = false;
    const cut = () => {
      stream.close(NGHTTP2_CANCEL);
      stream.destroy();
    };
    const timer = setTimeout(() => {
      // What flow control still holds back has not left us, and with the stream gone it never will.
      withheld = !stream.writableFinished;
      fault = Object.assign(new Error('Request timeout'), { code: 'ETIMEDOUT' });
      cut();
    }, requestTimeoutMs);
    openStreams += 1;
    stream.on('response', (headers) => {
      heard();
      head = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      heard();
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxReplyBytes) cut();
    });
    stream.on('error', (error) => {
      fault = error;
    });
    stream.end(body);
    // The only event that always comes: a stream may end with its connection and without an error.
    await new Promise<void>((resolve) => stream.once('close', resolve));
    clearTimeout(timer);
    openStreams -= 1;
    queueMicrotask(options.onChange);
    // With the status the peer has answered, however the rest of the reply fared.
    if (head?.[':status'] !== undefined) {
      const text = Buffer.concat(chunks).subarray(0, maxReplyBytes).toString();
      return { status: head[':status'], headers: head, body: text };
    }
    // It never got an id: the session was about to end, or has used up its ids (RFC 9113 §5.1.1).
    if (stream.id === undefined) retire();
    const fate = withheld ? 'not_sent' : wasRefused(stream) ? 'refused' : 'unknown';
    throw new Http2Failure(fate, fault.code ?? fault.name, fault.message);
  }

  function wasRefused({ id, rstCode }: { id?: number | undefined; rstCode: number }): boolean {
    if (id === undefined || rstCode === NGHTTP2_REFUSED_STREAM) return true;
    return lastStreamId !== undefined && id > lastStreamId;
  }

  async function ping(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (code: string) => reject(new Http2Failure('not_sent', code, 'No answer to a ping'));
    const timer = setTimeout(() => fail('ETIMEDOUT'), pingTimeoutMs);
    if (session.destroyed) fail('ECONNECTION');
    else session.ping((error) => (error ? fail('ECONNECTION') : resolve()));
    await promise.finally(() => clearTimeout(timer));
    heard();
  }

  function retire(): void {
    if (!session.closed) session.close();
  }

  return {
    get usable() {
      return !session.closed && !session.destroyed && lastStreamId === undefined;
    },
    get freeStreams() {
      return Math.min(session.remoteSettings.maxConcurrentStreams ?? maxStreams, maxStreams) - openStreams;
    },
    get silentMs() {
      return performance.now() - heardAt;
    },
    ended,
    open,
    request,
    ping,
    retire,
    drop: () => session.destroy(),
  };
}
