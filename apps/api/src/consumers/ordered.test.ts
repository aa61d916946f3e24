import { createCopiesCarrier } from '@tidings/queue';
import { silentLog } from '@tidings/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { openQueue } from '../../../../test/support/engines.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';

const dir = tempDir();
let engine: Awaited<ReturnType<typeof openQueue>>;
let tested: TestApi;
beforeAll(async () => {
  engine = await openQueue(dir.path);
  tested = await openTestApi({ engine });
});
afterAll(async () => {
  await tested.close();
  await engine.close();
  dir.remove();
});

const call = (what: string, body: object) => tested.call('POST', `/v1/consumers/in-order/${what}`, body);

test('who settles the first in order finds the next in the queue, though no relay runs', async () => {
  const { body } = await tested.call('PUT', '/v1/consumers/in-order', { types: ['*'], ordered: true });
  for (const id of ['one', 'two', 'three']) {
    expect((await tested.call('POST', '/v1/events', { type: 'order.created', id })).status).toBe(202);
  }
  const { store } = tested;
  await store.fanOut({ rooms: new Map(), matches: () => true });
  await createCopiesCarrier({ store, engine, log: silentLog() }).enter(String(body.id), 1);
  const seen: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const received = await call('receive', { waitSeconds: 0 });
    const [copy] = received.body.items as Array<{
      copyId: string;
      token: string;
      event: { externalId: string };
    }>;
    seen.push(copy?.event.externalId ?? 'none');
    await call('settle', { items: [{ copyId: copy?.copyId, token: copy?.token, outcome: 'done' }] });
  }
  expect(seen).toEqual(['one', 'two', 'three']);
});
