import { withDeadline } from '@tidings/runtime';
import {
  createHttp2Session,
  Http2Failure,
  type Http2Reply,
  type Http2Request,
  type Http2Session,
  type Http2SessionOptions,
} from './http2-session.ts';

export interface Http2ConnectionOptions
  extends Pick<Http2SessionOptions, 'origin'>,
    Partial<Omit<Http2SessionOptions, 'origin' | 'onChange'>> {
  /** A peer that was not heard for so long is asked for a sign of life before it gets another request. */
  checkAfterSilenceMs?: number;
  /** How long `close` waits for the replies still to come. */
  closeTimeoutMs?: number;
}

export interface Http2Connection {
  /**
   * Sends when there is room by the peer's limit, in order, many at once. What the peer refused unseen, as it
   * does when it says GOAWAY, is sent again on another session. Rejects with `Http2Failure`.
   */
  request(request: Http2Request): Promise<Http2Reply>;
  /** Resolves when the peer answers; rejects with `Http2Failure`. */
  probe(): Promise<void>;
  /** Takes nothing more; waits for the replies still to come, for at most `closeTimeoutMs`. */
  close(): Promise<void>;
}

interface Waiting {
  request: Http2Request;
  refusals: number;
  timer: NodeJS.Timeout;
  resolve(reply: Promise<Http2Reply>): void;
  reject(failure: unknown): void;
}

/** Times that a request may be refused unseen before that is its result. */
const maxRefusals = 3;

/** Requests to one origin, multiplexed on one session, which is opened when needed and replaced when it ends. */
export function createHttp2Connection({
  origin,
  connectTimeoutMs = 10_000,
  requestTimeoutMs = 30_000,
  pingTimeoutMs = 5_000,
  checkAfterSilenceMs = 10_000,
  maxStreams = 100,
  maxReplyBytes = 64 * 1024,
  closeTimeoutMs = 5_000,
  tls = {},
}: Http2ConnectionOptions): Http2Connection {
  const settings = { origin, connectTimeoutMs, requestTimeoutMs, pingTimeoutMs, maxStreams, maxReplyBytes };
  /** Every session that is not over: the current one and those that end with their last reply. */
  const sessions = new Set<Http2Session>();
  const waiting: Waiting[] = [];
  let current: Http2Session | undefined;
  let becoming: Promise<Http2Session> | undefined;
  let closed = false;

  function enqueue(one: Omit<Waiting, 'timer'>, place: 'first' | 'last'): void {
    if (closed) {
      one.reject(closedFailure());
      return;
    }
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(entry), 1);
      one.reject(new Http2Failure('not_sent', 'ETIMEDOUT', 'No room for the request'));
    }, requestTimeoutMs);
    const entry = { ...one, timer };
    if (place === 'first') waiting.unshift(entry);
    else waiting.push(entry);
    dispatch();
  }

  function dispatch(): void {
    if (waiting.length === 0) return;
    if (current?.usable && current.silentMs < checkAfterSilenceMs) fill(current);
    else ready().then((session) => (session.usable ? fill(session) : failAll(endedFailure())), failAll);
  }

  function fill(session: Http2Session): void {
    while (session.usable && session.freeStreams > 0) {
      const next = waiting.shift();
      if (next === undefined) return;
      clearTimeout(next.timer);
      next.resolve(send(session, next));
    }
  }

  async function send(session: Http2Session, { request, refusals }: Waiting): Promise<Http2Reply> {
    try {
      return await session.request(request);
    } catch (failure) {
      const wasRefused = failure instanceof Http2Failure && failure.fate === 'refused';
      if (!wasRefused || refusals + 1 >= maxRefusals) throw failure;
      const { promise, resolve, reject } = Promise.withResolvers<Http2Reply>();
      enqueue({ request, refusals: refusals + 1, resolve, reject }, 'first');
      return promise;
    }
  }

  function failAll(failure: unknown): void {
    for (const one of waiting.splice(0)) {
      clearTimeout(one.timer);
      one.reject(failure);
    }
  }

  /** A session whose peer was heard just now; one attempt for all who ask. */
  function ready(): Promise<Http2Session> {
    becoming ??= checked().finally(() => {
      becoming = undefined;
    });
    return becoming;
  }

  async function checked(): Promise<Http2Session> {
    if (current?.usable) {
      try {
        await current.ping();
        return current;
      } catch {
        // A dead peer says nothing, not even that it is gone.
        current.drop();
      }
    }
    if (closed) throw closedFailure();
    const session = createHttp2Session({ ...settings, tls, onChange: dispatch });
    sessions.add(session);
    void session.ended.then(() => sessions.delete(session));
    await session.open();
    current = session;
    return session;
  }

  async function close(): Promise<void> {
    closed = true;
    failAll(closedFailure());
    for (const session of sessions) session.retire();
    await withDeadline(Promise.all([...sessions].map(({ ended }) => ended)), closeTimeoutMs);
    for (const session of sessions) session.drop();
  }

  return {
    request: (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<Http2Reply>();
      enqueue({ request, refusals: 0, resolve, reject }, 'last');
      return promise;
    },
    probe: async () => void (await ready()),
    close,
  };
}

function closedFailure(): Http2Failure {
  return new Http2Failure('not_sent', 'ECLOSED', 'The provider is closed');
}

function endedFailure(): Http2Failure {
  return new Http2Failure('not_sent', 'ECONNECTION', 'The session ended as soon as it began');
}
