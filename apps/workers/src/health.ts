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
    return c.json({ status: queue === 'ok' ? 'ok' : 'error', checks: { queue } }, queue === 'ok' ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  app.notFound((c) =>
    c.json({ type: 'about:blank', title: 'There is nothing here', status: 404, code: 'not_found' }, 404, {
      'content-type': 'application/problem+json',
    }),
  );
  return app;
}
