import { randomUUID } from 'node:crypto';
import { TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { type FetchHandler, isRead, type Log, type Metrics, requireSameOrigin } from '@tidings/runtime';
import { Hono } from 'hono';
import { contextStorage } from 'hono/context-storage';
import { type BoardEnv, boardPath } from './bull-board.ts';
import type { Login } from './login.ts';
import { asProblem, problemResponse, securityHeaders } from './problem.ts';

/** What the board needs; it knows no port, no file and no environment. */
export interface AppOptions {
  bullBoard: Hono;
  login: Login;
  engine: Pick<QueueEngine, 'ping'>;
  store: Pick<Store, 'isOutage'>;
  readOnly: boolean;
  log: Log;
  metrics: Metrics;
}

/**
 * The board as a pure function. The login comes before everything else, so no path, method or spelling gets
 * around it; then whether the request comes from our own page; then Bull Board.
 */
export function createApp(options: AppOptions): { fetch: FetchHandler } {
  const { bullBoard, login, engine, store, readOnly, log, metrics } = options;
  // Not strict: `/board/` is `/board`.
  const app = new Hono<BoardEnv>({ strict: false });

  app.use(contextStorage(), async (c, next) => {
    c.set('requestId', randomUUID());
    await next();
    const { status, headers } = c.res;
    if (status >= 400 && headers.get('content-type') !== 'application/problem+json') {
      c.res = await asProblem(c.res, c.get('requestId'));
    }
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    if (c.res.headers.get('cache-control') === null) c.header('cache-control', 'no-store');
    c.header('x-request-id', c.get('requestId'));
  });
  app.use(async (c, next) => {
    login(c.req.raw.headers.get('authorization'), c.env.address);
    requireSameOrigin(c.req.raw);
    if (readOnly && !isRead(c.req.method)) {
      throw new TidingsError('action_refused', { detail: 'The board only shows: BOARD_READ_ONLY is set' });
    }
    await next();
  });
  app.get('/', (c) => c.redirect(boardPath));
  app.use(`${boardPath}/api/*`, async (_, next) => {
    // Asked first: some of Bull Board's calls would wait for as long as the queue is away.
    if (!(await answers(engine))) throw queueIsAway();
    await next();
  });
  app.use(`${boardPath}/static/*`, async (c, next) => {
    await next();
    if (c.res.ok) c.header('cache-control', 'private, max-age=3600');
  });
  app.use(`${boardPath}/*`, async (c, next) => {
    await next();
    const refusal = c.get('refusal');
    if (refusal !== undefined) throw refusal;
    if (c.res.headers.get('content-type')?.startsWith('text/html')) {
      c.res = new Response(withoutWebFonts(await c.res.text()), c.res);
    }
  });
  app.route(boardPath, bullBoard);

  app.notFound(() => {
    throw new TidingsError('not_found');
  });
  app.onError(async (thrown, c) => {
    const requestId = c.get('requestId');
    const error = await asTidingsError(thrown);
    if (error.code === 'internal')
      log.error({ err: thrown, requestId, path: c.req.path }, 'a request failed');
    if (error.code === 'rate_limited') log.warn({ requestId, from: c.env.address }, 'too many wrong logins');
    metrics.refused.inc({ code: error.code });
    return problemResponse(error, requestId);
  });

  async function asTidingsError(thrown: unknown): Promise<TidingsError> {
    if (thrown instanceof TidingsError) return thrown;
    if (store.isOutage(thrown))
      return new TidingsError('unavailable', { headers: retryLater, cause: thrown });
    if (!(await answers(engine))) return queueIsAway(thrown);
    return new TidingsError('internal', { cause: thrown });
  }

  return { fetch: (request, peer) => app.fetch(request, peer) };
}

const retryLater = { 'retry-after': '5' };

function queueIsAway(cause?: unknown): TidingsError {
  return new TidingsError('queue_unavailable', { headers: retryLater, cause });
}

function answers(engine: Pick<QueueEngine, 'ping'>): Promise<boolean> {
  return engine.ping().then(
    () => true,
    () => false,
  );
}

/** Bull Board's page asks Google for its fonts: that tells Google who operates what, and needs the internet. */
function withoutWebFonts(html: string): string {
  return html.replaceAll(/<link href="https:\/\/fonts\.googleapis\.com[^>]*>/g, '');
}
