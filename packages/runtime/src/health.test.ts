import { expect, test } from 'vitest';
import { createHealthApp, createMetrics } from './index.ts';

const metrics = createMetrics();
const peer = { address: '' };
const refused = () =>
  Promise.reject(Object.assign(new Error('refused by ada@example.com'), { code: 'ECONNREFUSED' }));
const ok = async () => {};

function ask(path: string, checks = { queue: ok } as Record<string, () => Promise<unknown>>) {
  return createHealthApp({ checks, metrics }).fetch(new Request(`http://tidings.test${path}`), peer);
}

test('the process lives whatever it needs does, and /ready says what is wrong', async () => {
  const away = { queue: refused, database: ok };
  for (const path of ['/health', '/health/']) {
    const answer = await ask(path, away);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
  }
  expect(await (await ask('/ready')).json()).toEqual({ status: 'ok', checks: { queue: 'ok' } });
  const answer = await ask('/ready', away);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    code: 'unavailable',
    checks: { queue: 'does not answer: ECONNREFUSED', database: 'ok' },
  });
});

test('what does not keep it from its work makes it degraded', async () => {
  const faults = { 'provider smtp': 'open: provider_configuration 535' };
  const { fetch } = createHealthApp({ checks: { queue: ok }, metrics, faults: () => faults });
  const answer = await fetch(new Request('http://tidings.test/ready'), peer);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { status: 'degraded', checks: { queue: 'ok', ...faults } },
  ]);
});

test('what says nothing is not waited for', async () => {
  const answer = await ask('/ready', { queue: () => new Promise(() => {}) });
  expect(await answer.json()).toMatchObject({ status: 503, checks: { queue: 'does not answer' } });
});

test('metrics are Prometheus text, and other paths answer a problem document', async () => {
  expect(await (await ask('/metrics')).text()).toContain('# HELP tidings_attempts_total');
  const lost = await ask('/nothing');
  expect(lost.status).toBe(404);
  expect(lost.headers.get('content-type')).toBe('application/problem+json');
});
