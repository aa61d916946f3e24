import { randomUUID } from 'node:crypto';
import { TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { type FetchHandler, type Metrics, withDeadline } from '@tidings/runtime';
import { Hono } from 'hono';
import { problemResponse } from './problem.ts';

/** Health and metrics of a board that runs apart: the only paths of its port that need no login. */
export function withHealth(
  board: FetchHandler,
  options: { engine: QueueEngine; store: Store; metrics: Metrics },
): FetchHandler {
  const { engine, store, metrics } = options;
  const app = new Hono<{ Bindings: { address: string } }>({ strict: false });
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', async (c) => {
    const [database, queue] = await Promise.all([
      answerOf(store.readSequence('queue')),
      answerOf(engine.ping()),
    ]);
    const checks = { database, queue };
    if (database === 'ok' && queue === 'ok') return c.json({ status: 'ok', checks });
    return problemResponse(new TidingsError('unavailable'), randomUUID(), { checks });
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  app.notFound((c) => board(c.req.raw, c.env));
  return (request, peer) => app.fetch(request, peer);
}

async function answerOf(check: Promise<unknown>): Promise<string> {
  let answered = false;
  await withDeadline(
    check.then(() => {
      answered = true;
    }),
    2500,
  );
  return answered ? 'ok' : 'does not answer';
}
