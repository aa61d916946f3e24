import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import testCertificate from 'smtp-server/lib/tls-options.js';
import { type FcmFault, type FcmReply, sayReply, streamFaults } from './fcm-answers.ts';
import { faultOfFcmBody } from './fcm-v1.ts';
import { makeServiceAccount, type TestServiceAccount } from './service-account.ts';
import { startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from './token-endpoint.ts';

/** A message as it came, as far as tests look at it. */
export interface FcmMessage {
  token: string;
  notification: { title: string; body: string };
  data: Record<string, string>;
  [more: string]: unknown;
}

/** A request that came in full. */
export interface FcmRequest {
  body: { message: FcmMessage };
  raw: string;
  headers: IncomingHttpHeaders;
  streamId: number;
  /** Which connection it came on, from 1. */
  session: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** What was said to it; undefined while nothing is. */
  said?: FcmReply | FcmFault;
}

/** What is said to a request. Undefined: what it deserves. */
export type FcmAnswer = FcmReply | FcmFault | undefined;

export interface FcmSinkOptions {
  of?: TestServiceAccount;
  port?: number;
  /** By how many requests, from 1, have come. A promise holds the answer back. */
  answer?: (count: number, request: FcmRequest) => FcmAnswer | Promise<FcmAnswer>;
  maxConcurrentStreams?: number;
  /** Octets of a body that the client may send before it is allowed more: with 0 no body ever comes. */
  initialWindowSize?: number;
  /** HTTP/2 over TLS, with a certificate nobody trusts. */
  tls?: boolean;
  /** A token endpoint that is there already, for a sink that comes back. */
  tokens?: TokenEndpoint;
  tokenLifetimeS?: number;
  tokenAnswer?: (count: number) => TokenAnswer | undefined | Promise<TokenAnswer | undefined>;
  now?: () => number;
}

export interface FcmSink {
  readonly url: string;
  readonly port: number;
  readonly tokens: TokenEndpoint;
  readonly account: TestServiceAccount['account'];
  /** Every request that came in full, in the order of arrival, whatever was said to it. */
  readonly requests: FcmRequest[];
  /** The messages that were taken. */
  readonly taken: FcmMessage[];
  readonly sessions: { readonly total: number; readonly open: number };
  /** Requests that have no answer yet: now, and the most there were at once. */
  readonly streams: { readonly open: number; readonly most: number };
  /** Octets of `endless` bodies that were poured out. */
  readonly pouredBytes: number;
  /** Resets every connection (RST). */
  dropAll(): void;
  /** Says GOAWAY on every connection and lets it end with its last reply. */
  goAway(): void;
  stop(): Promise<void>;
}

interface SessionState {
  number: number;
  socket: Socket;
  /** Streams beyond it are not looked at. */
  lastStreamId: number;
}

/** FCM HTTP v1 on 127.0.0.1, by HTTP/2 with prior knowledge, and the token endpoint that belongs to it. */
export async function startFcmSink(options: FcmSinkOptions = {}): Promise<FcmSink> {
  const { of = makeServiceAccount(), port = 0, answer = () => undefined, tls = false, now } = options;
  const { maxConcurrentStreams = 1000, initialWindowSize = 65_535 } = options;
  const { tokenLifetimeS: lifetimeS, tokenAnswer } = options;
  const tokens = options.tokens ?? (await startTokenEndpoint({ of, lifetimeS, answer: tokenAnswer, now }));
  const path = `/v1/projects/${of.account.project_id}/messages:send`;
  const sockets: Socket[] = [];
  const sessions = new Map<Http2Session, SessionState>();
  const requests: FcmRequest[] = [];
  const taken: FcmMessage[] = [];
  const sessionCounts = { total: 0, open: 0 };
  const streams = { open: 0, most: 0 };
  let pouredBytes = 0;

  /** What a request deserves, as FCM would say it. */
  function judge({ headers, body }: FcmRequest): FcmReply {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const isKnown = headers[':method'] === 'POST' && headers[':path'] === path;
    if (!isKnown) return { status: 404, errorStatus: 'NOT_FOUND' };
    if (!tokens.isGood(token)) return { status: 401, errorStatus: 'UNAUTHENTICATED' };
    const fault = faultOfFcmBody(body);
    if (fault !== undefined) return { status: 400, errorStatus: 'INVALID_ARGUMENT', body: fault };
    taken.push(body.message);
    return { status: 200, body: JSON.stringify({ name: nameOf(taken.length) }) };
  }

  function sayDeserved(stream: ServerHttp2Stream, request: FcmRequest): void {
    request.said = judge(request);
    sayReply(stream, request.said);
  }

  function nameOf(number: number): string {
    return `projects/${of.account.project_id}/messages/${number}`;
  }

  function give(stream: ServerHttp2Stream, request: FcmRequest, said: FcmAnswer, state: SessionState): void {
    if (said === 'drop') state.socket.destroy();
    else if (said === 'goaway' || said === 'goaway with an error') {
      const isClean = said === 'goaway';
      state.lastStreamId = request.streamId;
      const code = isClean ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_ENHANCE_YOUR_CALM;
      stream.session?.goaway(code, request.streamId);
      if (isClean) sayDeserved(stream, request);
    } else if (typeof said === 'string') {
      streamFaults[said]?.(stream, (bytes) => {
        pouredBytes += bytes;
      });
    } else if (said === undefined) sayDeserved(stream, request);
    else sayReply(stream, said);
  }

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    streams.open += 1;
    streams.most = Math.max(streams.most, streams.open);
    let isOpen = true;
    const close = () => {
      streams.open -= isOpen ? 1 : 0;
      isOpen = false;
    };
    stream.once('close', close);
    const state = stream.session && sessions.get(stream.session);
    const raw = Buffer.concat(await stream.toArray()).toString();
    const { id: streamId = 0 } = stream;
    if (stream.destroyed || !state || streamId > state.lastStreamId) return;
    const { number: session } = state;
    const request: FcmRequest = { body: JSON.parse(raw), raw, headers, streamId, session, at: Date.now() };
    requests.push(request);
    const said = await answer(requests.length, request);
    request.said = said;
    // Node tells of the end of a stream later than the client hears of it.
    if (said !== 'silence' && said !== 'endless') close();
    if (!stream.destroyed && streamId <= state.lastStreamId) give(stream, request, said, state);
  }

  const settings = { settings: { maxConcurrentStreams, initialWindowSize } };
  const server: Http2Server | Http2SecureServer = tls
    ? createSecureServer({ ...testCertificate(), ...settings })
    : createServer(settings);
  // Before node's own listener, which makes the session.
  server.prependListener(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  // A client that goes away is no fault of the server.
  server.on('sessionError', () => {});
  server.on('session', (session: Http2Session) => {
    sessionCounts.total += 1;
    sessionCounts.open += 1;
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('a session without a socket');
    sessions.set(session, {
      number: sessionCounts.total,
      socket,
      lastStreamId: Number.POSITIVE_INFINITY,
    });
    session.once('close', () => {
      sessionCounts.open -= 1;
      sessions.delete(session);
    });
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    serve(stream, headers).catch(() => stream.destroy());
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const bound = (server.address() as AddressInfo).port;
  const dropAll = () => {
    for (const socket of sockets.splice(0)) socket.resetAndDestroy();
  };

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${bound}`,
    port: bound,
    tokens,
    account: of.account,
    requests,
    taken,
    sessions: sessionCounts,
    streams,
    get pouredBytes() {
      return pouredBytes;
    },
    dropAll,
    goAway: () => {
      for (const session of sessions.keys()) session.close();
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      dropAll();
      await closed;
      if (options.tokens === undefined) await tokens.stop();
    },
  };
}
