import { setTimeout as delay } from 'node:timers/promises';
import { createConsumer } from '@tidings/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enginesOfTests } from '../support/engines.ts';
import { type HttpSink, type HttpSinkOptions, startHttpSink } from '../support/http-sink.ts';
import { quick } from '../support/quick.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

/** PGlite does some tens of jobs a second where others keep the machine busy. */
const count = enginesOfTests === 'pglite+sqlite' ? 50 : 300;
const patienceMs = 90_000;
const cleanUp: Array<() => Promise<unknown> | unknown> = [];
let running: TestTidings;

beforeEach(async () => {
  const dir = tempDir();
  cleanUp.push(dir.remove);
  running = await startTidings({
    dataDir: dir.path,
    env: { OUTBOUND_ALLOWED_NETWORKS: '127.0.0.0/8' },
    tuning: { ...quick, webhookDelaysMs: Array.from({ length: 1000 }, () => 200) },
  });
  cleanUp.push(running.stop);
});
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** An endpoint that takes what it gets, unless `answer` says otherwise. */
async function endpoint(answer?: HttpSinkOptions['answer']): Promise<HttpSink> {
  const started = await startHttpSink(() => ({ status: 204 }), { answer });
  cleanUp.push(started.stop);
  return started;
}

async function subscribe(
  name: string,
  settings: Parameters<TestTidings['tidings']['subscriptions']['create']['mutate']>[0]['settings'],
): Promise<string> {
  const { id } = await running.tidings.subscriptions.create.mutate({ name, types: ['order.*'], settings });
  return id;
}

/** Which events an endpoint took, each as often as it took it. */
function taken({ requests }: HttpSink): string[] {
  return requests
    .filter(({ said }) => typeof said === 'object' && said.status < 300)
    .map(({ headers }) => String(headers['webhook-id']))
    .toSorted();
}

const standing = (id: string) => running.tidings.subscriptions.get.query({ id });

test('of five consumers the dead one holds nobody, the slow one finishes, and each has every event once', async () => {
  let isBack = false;
  const fast = await endpoint();
  const slow = await endpoint(() => delay(30, undefined));
  const dead = await endpoint(() => (isBack ? undefined : 'drop'));
  const webhooks = {
    fast: await subscribe('fast', { kind: 'webhook', url: `${fast.url}/hook` }),
    slow: await subscribe('slow', { kind: 'webhook', url: `${slow.url}/hook` }),
    dead: await subscribe('dead', { kind: 'webhook', url: `${dead.url}/hook` }),
  };
  const rule = await subscribe('mail', {
    kind: 'notify',
    to: { email: '/data/email' },
    template: 'welcome_email',
    data: { name: { pointer: '/data/name' }, link: { value: 'https://example.com/' } },
  });
  const handled: string[] = [];
  const consumer = createConsumer({
    tidings: running.tidings,
    name: 'stock',
    types: ['order.*'],
    handler: ({ id }) => void handled.push(id),
  });
  cleanUp.push(() => consumer.stop());
  await consumer.subscribed;

  const { items } = await running.tidings.events.publishMany.mutate({
    items: Array.from({ length: count }, (_, index) => ({
      type: 'order.created',
      id: `order-${index}`,
      data: { email: `user${index}@example.com`, name: 'Ada' },
    })),
  });
  const published = items.flatMap((item) => ('id' in item ? [item.id] : [])).toSorted();
  expect(published).toHaveLength(count);

  // Until it is fanned out an event waits for nobody.
  for (const sink of [fast, slow]) {
    await until(
      () => taken(sink).length,
      (length) => length >= count,
      patienceMs,
    );
  }
  for (const id of [webhooks.fast, webhooks.slow, rule]) {
    const isDone = ({ waiting, sending }: Awaited<ReturnType<typeof standing>>) => waiting + sending === 0;
    const done = await until(() => standing(id), isDone, patienceMs);
    expect(done).toMatchObject({ failed: 0 });
  }
  await until(
    () => handled.length,
    (length) => length === count,
    patienceMs,
  );
  expect(taken(fast)).toEqual(published);
  expect(taken(slow)).toEqual(published);
  expect(handled.toSorted()).toEqual(published);
  expect(taken(dead)).toEqual([]);
  const waits = await standing(webhooks.dead);
  expect(waits.waiting + waits.sending).toBe(count);

  isBack = true;
  await until(
    () => taken(dead).length,
    (length) => length === count,
    patienceMs,
  );
  expect(taken(dead)).toEqual(published);
  const [first = ''] = published;
  const { copies } = await running.tidings.events.get.query({ id: first });
  expect(copies.map(({ subscription }) => subscription).toSorted()).toEqual(
    ['fast', 'slow', 'dead', 'mail', 'stock'].toSorted(),
  );
}, 240_000);
