import { randomUUID } from 'node:crypto';
import { TidingsError, toProblem } from '@tidings/contracts';
import type { QueueEngine } from '@tidings/queue';
import type { Metrics } from '@tidings/runtime';
import { Hono } from 'hono';

/** Health and metrics of workers that run apart from the API. */
export function createHealthApp(options: { engine: QueueEngine; metrics: Metrics }): Hono {
  const { engine, metrics } = options;
  const app = new Hono({ strict: false });
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', async (c) => {
    const queue = await engine.ping().then(
      () => 'ok',
      () => 'does not answer',
    );
    if (queue === 'ok') return c.json({ status: 'ok', checks: { queue } });
    return problem('unavailable', { checks: { queue } });
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  app.notFound(() => problem('not_found'));
  return app;
}

function problem(code: 'unavailable' | 'not_found', extra: object = {}): Response {
  const document = { ...toProblem(new TidingsError(code), randomUUID()), ...extra };
  return Response.json(document, {
    status: document.status,
    headers: { 'content-type': 'application/problem+json' },
  });
}
