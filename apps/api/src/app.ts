import { randomUUID } from 'node:crypto';
import { type Operation, receiveProviderEvents, TidingsError } from '@tidings/contracts';
import type { Log, Metrics, Peer } from '@tidings/runtime';
import { Hono } from 'hono';
import type { ReceiveProviderEvents } from './feedback/provider-events.ts';
import { createCors, isForBrowsers } from './http/cors.ts';
import { docsResponse } from './http/docs.ts';
import { addressOf, protocolOf } from './http/forwarded.ts';
import { createOpenApi } from './http/openapi.ts';
import { jsonResponse, problemResponse, securityHeaders } from './http/problem.ts';
import { createRestHandler } from './http/rest.ts';
import { createTrpcHandler, trpcProblem } from './http/trpc.ts';
import type { Implementation, OpenContext } from './operations.ts';
import type { Authenticate } from './principal.ts';
import type { LimitRate } from './rate-limit.ts';
import type { Readiness } from './readiness.ts';
import type { AppRouter } from './router.ts';
import type { Unsubscribe } from './unsubscribe/unsubscribe.ts';

/** What the API needs; it knows no port, no file and no environment. */
export interface AppOptions {
  router: AppRouter;
  authenticate: Authenticate;
  limitRate: LimitRate;
  receiveEvents: ReceiveProviderEvents;
  readiness: Readiness;
  unsubscribe: Unsubscribe;
  /** Origins whose pages may call what a recipient may. */
  corsOrigins?: readonly string[];
  log: Log;
  metrics: Metrics;
  /** Does the error mean that the record is away or busy? Then the request is worth repeating. */
  isOutage: (error: unknown) => boolean;
  /** How many proxies of ours stand in front, whose headers are to be believed. */
  trustProxy?: number;
  /** Whether a proxy in front that does not say so is taken to speak https. */
  assumeHttps?: boolean;
}

/** The API as a fetch handler; where it is called without a server there is no peer. */
export type Fetch = (request: Request, peer?: Peer) => Promise<Response>;

/** The API as a pure function: tRPC at /trpc, REST at /v1, documents, health and links of e-mails beside them. */
export function createApp(options: AppOptions): { fetch: Fetch } {
  const { router, authenticate, limitRate, receiveEvents, readiness, unsubscribe, log, metrics, isOutage } =
    options;
  const { corsOrigins = [], trustProxy = 0, assumeHttps = false } = options;
  const implementations = implementationsOf(router);
  const operationsByName = new Map(implementations.map(({ operation }) => [operation.name, operation]));
  const trpc = createTrpcHandler({ router });
  const operations = implementations.map(({ operation }) => operation);
  const openApi = JSON.stringify(createOpenApi(operations, [receiveProviderEvents]));
  // Not strict: `/health/` is `/health`.
  const app = new Hono<{ Bindings: Peer; Variables: { requestId: string } }>({ strict: false });

  async function contextOf(
    request: Request,
    operation: Operation | undefined,
    requestId: string,
    peer: Peer,
  ): Promise<OpenContext> {
    const { headers: requestHeaders, url } = request;
    const isOpen = operation?.access === 'anyone';
    const principal = await authenticate(requestHeaders).catch((error) => {
      // An access token that has just ended must not be in the way of getting another.
      if (isOpen && error instanceof TidingsError) return undefined;
      throw error;
    });
    const protocol = protocolOf(requestHeaders, trustProxy);
    return {
      principal,
      requestId,
      address: addressOf(requestHeaders, peer.address, trustProxy),
      isSecure: url.startsWith('https:') || (protocol === undefined ? assumeHttps : protocol === 'https'),
      requestHeaders,
      signal: () => request.signal,
      headers: principal === undefined ? {} : await limitRate(principal),
    };
  }

  app.use(async (c, next) => {
    c.set('requestId', randomUUID());
    await next();
  });
  app.get('/health', () => jsonResponse(200, { status: 'ok' }));
  app.get('/ready', async (c) => {
    const { status, checks } = await readiness();
    if (status !== 'error') return jsonResponse(200, { status, checks });
    return problemResponse(new TidingsError('unavailable'), c.get('requestId'), { checks });
  });
  app.get('/metrics', async () => {
    const { registry } = metrics;
    return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } });
  });
  app.get('/openapi.json', (c) => c.body(openApi, 200, { 'content-type': 'application/json' }));
  app.get('/docs', () => docsResponse(''));
  app.get('/docs/:file', (c) => docsResponse(c.req.param('file')));
  app.get('/', (c) => c.redirect('/docs'));
  app.get('/u/:token', (c) => unsubscribe.ask(c.req.param('token')));
  app.post('/u/:token', (c) => unsubscribe.confirm(c.req.param('token'), c.get('requestId')));
  app.all('/u/:token', () => {
    throw new TidingsError('method_not_allowed', { headers: { allow: 'GET, HEAD, POST' } });
  });

  const cors = createCors(corsOrigins);
  for (const { operation } of implementations.filter((one) => isForBrowsers(one.operation))) {
    app.use(honoPath(operation.path), cors);
    app.use(`/trpc/${operation.name}`, cors);
  }
  app.all('/trpc/*', async (c) => {
    const request = c.req.raw;
    const operation = operationsByName.get(c.req.path.replace(/^\/trpc\/|\/$/g, ''));
    return trpc(request, await contextOf(request, operation, c.get('requestId'), c.env));
  });

  for (const implementation of implementations) {
    const { method, path } = implementation.operation;
    const handle = createRestHandler(implementation);
    app.on(method, honoPath(path), async (c) => {
      const request = c.req.raw;
      const context = await contextOf(request, implementation.operation, c.get('requestId'), c.env);
      return handle({ request, url: new URL(request.url), params: c.req.param(), context });
    });
  }
  app.post(honoPath(receiveProviderEvents.path), async (c) => {
    await receiveEvents(c.req.raw, c.req.param('provider') ?? '');
    return new Response(null, {
      status: receiveProviderEvents.status,
      headers: { ...securityHeaders, 'x-request-id': c.get('requestId') },
    });
  });
  for (const [path, allowed] of methodsByPath([...operations, receiveProviderEvents])) {
    app.all(path, () => {
      throw new TidingsError('method_not_allowed', { headers: { allow: allowed.join(', ') } });
    });
  }

  app.notFound(() => {
    throw new TidingsError('not_found');
  });
  app.onError((thrown, c) => {
    const requestId = c.get('requestId');
    const error = asTidingsError(thrown, isOutage);
    if (error.code === 'internal')
      log.error({ err: thrown, requestId, path: resourceOf(c.req.path) }, 'a request failed');
    if (error.code === 'unavailable') log.warn({ err: error.cause, requestId }, 'nothing can be stored');
    metrics.refused.inc({ code: error.code });
    const { path } = c.req;
    return isTrpc(path)
      ? trpcProblem(error, requestId, path.slice('/trpc/'.length))
      : problemResponse(error, requestId);
  });

  return { fetch: async (request, peer = { address: '' }) => app.fetch(request, peer) };
}

function asTidingsError(thrown: unknown, isOutage: (error: unknown) => boolean): TidingsError {
  if (thrown instanceof TidingsError) return thrown;
  return isOutage(thrown)
    ? new TidingsError('unavailable', { headers: { 'retry-after': '5' }, cause: thrown })
    : new TidingsError('internal', { cause: thrown });
}

function isTrpc(path: string): boolean {
  return path === '/trpc' || path.startsWith('/trpc/');
}

function implementationsOf(router: AppRouter): Implementation[] {
  const procedures = router._def.procedures as unknown as Record<string, { _def: { meta?: Implementation } }>;
  return Object.values(procedures).flatMap(({ _def }) => _def.meta ?? []);
}

/** Paths that differ only in the names of their parameters are one path. */
function methodsByPath(operations: Array<Pick<Operation, 'method' | 'path'>>): Map<string, string[]> {
  const byPath = Map.groupBy(operations, ({ path }) => path.replaceAll(/\{\w+\}/g, ':parameter'));
  return new Map(
    [...byPath].map(([path, theirs]) => [path, theirs.flatMap(({ method }) => withHead(method))]),
  );
}

/** Hono answers HEAD as GET without the body. */
function withHead(method: string): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** What follows in a path is somebody's id, which may be an address, or a link that only one person has. */
function resourceOf(path: string): string {
  return path.startsWith('/u/') ? '/u' : path.split('/').slice(0, 3).join('/');
}
