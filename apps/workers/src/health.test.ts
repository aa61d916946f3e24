import type { QueueEngine } from '@tidings/queue';
import { createMetrics } from '@tidings/runtime';
import { expect, test } from 'vitest';
import { createHealthApp } from './health.ts';

const metrics = createMetrics();
const appWith = (ping: () => Promise<void>) =>
  createHealthApp({ engine: { ping } as unknown as QueueEngine, metrics });

test('the process lives whatever the queue does, and /ready says what the queue does', async () => {
  const well = appWith(async () => {});
  const away = appWith(() => Promise.reject(new Error('refused')));
  for (const app of [well, away]) {
    expect(await (await app.request('/health')).json()).toEqual({ status: 'ok' });
    expect((await app.request('/health/')).status).toBe(200);
  }
  expect((await well.request('/ready')).status).toBe(200);
  const answer = await away.request('/ready');
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    code: 'unavailable',
    checks: { queue: 'does not answer' },
  });
});

test('metrics are Prometheus text, and other paths answer a problem document', async () => {
  const app = appWith(async () => {});
  expect(await (await app.request('/metrics')).text()).toContain('# HELP tidings_attempts_total');
  const lost = await app.request('/nothing');
  expect(lost.status).toBe(404);
  expect(lost.headers.get('content-type')).toBe('application/problem+json');
});
