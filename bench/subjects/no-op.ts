import { type SendOutput, sendInput, sendManyNotifications, sendNotification } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { Log, Metrics } from '@tidings/runtime';
import { newId } from '@tidings/runtime';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { Hono } from 'hono';
import { createApp } from '../../apps/api/src/app.ts';
import { createAuthenticate } from '../../apps/api/src/auth/authenticate.ts';
import { createTokens } from '../../apps/api/src/auth/tokens.ts';
import { mutation, router } from '../../apps/api/src/operations.ts';
import { createRateLimit } from '../../apps/api/src/rate-limit.ts';
import type { AppRouter } from '../../apps/api/src/router.ts';
import { createUnsubscribe } from '../../apps/api/src/unsubscribe/unsubscribe.ts';

type Fetch = (request: Request) => Promise<Response>;

/** An answer as long as a real one, with ids of its own. */
function answer(): SendOutput {
  return {
    id: newId('notification'),
    status: 'accepted',
    messages: [{ id: newId('message'), channel: 'email', status: 'queued' }],
  };
}

/**
 * Everything that the API does around an accept and nothing of the accept: the same app, authentication, body
 * reader, schemas and headers; what is answered was never stored.
 */
export function createNoOpApp(options: { store: Store; log: Log; metrics: Metrics }): Fetch {
  const { store, log, metrics } = options;
  const routes = router({
    notifications: router({
      send: mutation(sendNotification, async (_input, { headers }) => {
        const said = answer();
        headers.location = `/v1/notifications/${said.id}`;
        return said;
      }),
      sendMany: mutation(sendManyNotifications, async ({ items }) => ({
        items: items.map((item, index) => ({ index, ...(sendInput.parse(item) && answer()) })),
      })),
    }),
  });
  const { fetch } = createApp({
    router: routes as unknown as AppRouter,
    authenticate: createAuthenticate({ store, tokens: createTokens({ secrets: ['no-op'.repeat(8)] }) }),
    limitRate: createRateLimit({}),
    receiveEvents: async () => {},
    readiness: async () => ({ status: 'ok', checks: {} }),
    unsubscribe: createUnsubscribe(store),
    log,
    metrics,
    isOutage: () => false,
  });
  return fetch;
}

/**
 * The same schema with nothing around it: tRPC's fetch handler and a Hono route as their own documentation has
 * them, without authentication, request ids, limits or checks beyond the schema's.
 */
export function createBareApp(): Fetch {
  const t = initTRPC.create();
  const bareRouter = t.router({
    notifications: t.router({ send: t.procedure.input(sendInput).mutation(() => answer()) }),
  });
  const app = new Hono();
  app.all('/trpc/*', (c) => fetchRequestHandler({ endpoint: '/trpc', router: bareRouter, req: c.req.raw }));
  app.post('/v1/notifications', async (c) => {
    sendInput.parse(await c.req.json());
    return c.json(answer(), 202);
  });
  return async (request) => app.fetch(request);
}
