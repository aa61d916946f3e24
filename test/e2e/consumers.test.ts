import {
  type Consumer,
  type ConsumerSettings,
  createConsumer,
  isApiError,
  type Tidings,
} from '@tidings/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exchange } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

let running: TestTidings;
let tidings: Tidings;
let cleanUp: Array<() => Promise<unknown> | unknown>;

async function start(env: Parameters<typeof startTidings>[0]['env'] = {}) {
  const dir = tempDir();
  cleanUp.push(dir.remove);
  running = await startTidings({ dataDir: dir.path, env });
  cleanUp.push(running.stop);
  ({ tidings } = running);
}

beforeEach(() => {
  cleanUp = [];
});
afterEach(async () => {
  for (const undo of cleanUp.reverse()) await undo();
});

/** Starts an instance that ends with its test. */
async function consume(
  settings: Partial<ConsumerSettings> & Pick<ConsumerSettings, 'handler'>,
): Promise<Consumer> {
  const consumer = createConsumer({
    tidings,
    name: 'stock',
    types: ['order.*'],
    onError: () => {},
    ...settings,
  });
  cleanUp.push(() => consumer.stop({ deadlineMs: 0 }));
  await consumer.subscribed;
  return consumer;
}

const orders = (count: number) => Array.from({ length: count }, (_, index) => `order-${index}`);

async function publish(ids: string[]): Promise<void> {
  const items = ids.map((id) => ({ type: 'order.created', id, data: { id } }));
  const { items: published } = await tidings.events.publishMany.mutate({ items });
  expect(published.filter((one) => 'error' in one)).toEqual([]);
}

async function copiesOnRecord() {
  const { items } = await tidings.events.list.query({});
  return items.flatMap(({ copies }) => copies);
}

const subscribe = (more: object = {}) =>
  tidings.consumers.subscribe.mutate({ name: 'stock', types: ['order.*'], ...more });
const receive = async (more: object = {}) =>
  (await tidings.consumers.receive.mutate({ name: 'stock', ...more })).items;
const settle = async (items: Parameters<Tidings['consumers']['settle']['mutate']>[0]['items']) =>
  (await tidings.consumers.settle.mutate({ name: 'stock', items })).items.map(({ status }) => status);

describe('createConsumer', () => {
  test('1,000 events shared by three instances: each is handled once', async () => {
    await start();
    const handled: string[] = [];
    const workedBy = new Set<number>();
    for (const instance of [1, 2, 3]) {
      await consume({
        handler: async ({ externalId }) => {
          workedBy.add(instance);
          handled.push(externalId ?? '');
        },
      });
    }
    await publish(orders(1000));
    await until(
      () => handled.length,
      (count) => count >= 1000,
      80_000,
    );
    const subscription = await subscribe();
    await until(
      () => tidings.subscriptions.get.query({ id: subscription.id }),
      ({ waiting, sending }) => waiting + sending === 0,
    );
    expect(handled.toSorted()).toEqual(orders(1000).toSorted());
    expect(workedBy.size).toBe(3);
  }, 120_000);

  test('a handler that throws twice gets the event again, and says why it did', async () => {
    await start();
    const attempts: number[] = [];
    await consume({
      handler: (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error(`out of stock ${attempt}`);
      },
    });
    await publish(orders(1));
    const copy = await onlyCopy('delivered');
    expect(attempts).toEqual([1, 2, 3]);
    const { attempts: onRecord } = await tidings.copies.get.query({ id: copy.id });
    expect(onRecord.map(({ outcome, reason, response }) => [outcome, reason, response])).toEqual([
      ['transient', 'handler_failed', 'out of stock 1'],
      ['transient', 'handler_failed', 'out of stock 2'],
      ['delivered', null, null],
    ]);
  });

  test('a handler may throw what has no words: the event comes again all the same', async () => {
    await start();
    const thrown = [Object.create(null), Object.assign(new Error(), { message: 42 })];
    await consume({
      handler: (_, { attempt }) => {
        if (attempt <= thrown.length) throw thrown[attempt - 1];
      },
    });
    await publish(orders(1));
    const { id } = await onlyCopy('delivered');
    const { attempts } = await tidings.copies.get.query({ id });
    expect(attempts.map(({ response }) => response)).toEqual(['The handler failed', '42', null]);
  });

  test('what fails too often is a dead letter, until it is resent', async () => {
    await start();
    let isBroken = true;
    await consume({
      maxFailures: 2,
      handler: () => {
        if (isBroken) throw new Error('broken');
      },
    });
    await publish(orders(1));
    const copy = await onlyCopy('failed');
    expect(copy).toMatchObject({ reason: 'attempts_exhausted', failures: 2 });
    isBroken = false;
    await tidings.copies.resend.mutate({ id: copy.id });
    expect(await onlyCopy('delivered')).toMatchObject({ id: copy.id, attempt: 3 });
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    for (const line of [
      'tidings_copy_attempts_total{kind="queue",outcome="transient"} 2',
      'tidings_copy_attempts_total{kind="queue",outcome="delivered"} 1',
      'tidings_copies_ended_total{kind="queue",status="failed"} 1',
      'tidings_copies_ended_total{kind="queue",status="delivered"} 1',
    ]) {
      expect(metrics).toContain(line);
    }
  });

  test('an instance that is killed has its event handled by another when its lease is over', async () => {
    await start();
    const child = startChild(['test/support/consumer-process.ts'], {
      TIDINGS_URL: running.url,
      TIDINGS_API_KEY: running.apiKey,
      CONSUMER: 'stock',
    });
    cleanUp.push(() => child.end());
    const isThere = ({ items }: { items: unknown[] }) => items.length === 1;
    await until(() => tidings.subscriptions.list.query({}), isThere);
    await publish(orders(1));
    await child.printed(/took order-0/);
    await child.end('SIGKILL');
    const handled: Array<[string | null, number]> = [];
    await consume({ handler: ({ externalId }, { attempt }) => void handled.push([externalId, attempt]) });
    await onlyCopy('delivered');
    expect(handled).toEqual([['order-0', 2]]);
  }, 60_000);

  test('stopped, it comes to an end with what it has and takes nothing more', async () => {
    await start();
    const began: string[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const consumer = await consume({
      concurrency: 1,
      handler: ({ externalId }) => {
        began.push(externalId ?? '');
        return finished;
      },
    });
    await publish(['first']);
    await until(
      () => began.length,
      (count) => count === 1,
    );
    await publish(['second']);
    const stopping = consumer.stop();
    finish();
    await stopping;
    expect(began).toEqual(['first']);
    const copies = await until(copiesOnRecord, (all) => all.length === 2);
    expect(copies.map(({ status }) => status).toSorted()).toEqual(['delivered', 'queued']);
  });

  test('its signal ends when the lease is lost', async () => {
    await start();
    let lost = false;
    await consume({
      leaseSeconds: 5,
      handler: (_, { signal, attempt }) => {
        if (attempt > 1) return;
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            lost = true;
            resolve(undefined);
          });
        });
      },
    });
    await publish(orders(1));
    const copy = await onlyCopy('sending');
    const subscription = await subscribe();
    await tidings.subscriptions.remove.mutate({ id: subscription.id });
    await until(
      () => lost,
      (is) => is,
    );
    expect(copy.attempt).toBe(1);
  });

  async function onlyCopy(status: string) {
    const copies = await until(
      copiesOnRecord,
      (all) => all.length === 1 && all[0]?.status === status,
      30_000,
    );
    const [copy] = copies;
    if (copy === undefined) throw new Error('there is no copy');
    return copy;
  }
});

describe('a queue of a consumer', () => {
  test('hands out what is published after it was subscribed, with a lease, and takes what came of it', async () => {
    await start();
    await publish(['before']);
    await subscribe();
    await publish(['one', 'two']);
    const items = await untilReceived(2);
    expect(items.map(({ event }) => event.externalId).toSorted()).toEqual(['one', 'two']);
    expect(items[0]).toMatchObject({
      attempt: 1,
      event: { type: 'order.created', origin: 'application', source: null, subject: null },
    });
    expect(await receive({ waitSeconds: 0 })).toEqual([]);
    const [one, two] = items.map(({ copyId, token }) => ({ copyId, token }));
    if (one === undefined || two === undefined) throw new Error('two were received');
    const extended = await tidings.consumers.extend.mutate({
      name: 'stock',
      items: [one, { ...two, token: 'mine' }],
      leaseSeconds: 600,
    });
    expect(extended.kept).toEqual([one.copyId]);
    expect(await settle([{ ...one, token: 'mine', outcome: 'done' }])).toEqual(['lost']);
    expect(
      await settle([
        { ...one, outcome: 'done' },
        { ...two, outcome: 'failed', error: 'later' },
      ]),
    ).toEqual(['delivered', 'retrying']);
    expect(await settle([{ ...one, outcome: 'done' }])).toEqual(['lost']);
    expect(await untilReceived(1)).toMatchObject([{ copyId: two.copyId, attempt: 2 }]);
  });

  test('is its own: another consumer has its own copies, and cannot settle these', async () => {
    await start();
    await subscribe();
    await tidings.consumers.subscribe.mutate({ name: 'mail', types: ['order.created'] });
    await publish(['one']);
    const [mine] = await untilReceived(1);
    const { items: theirs } = await tidings.consumers.receive.mutate({ name: 'mail' });
    expect(theirs[0]?.event).toEqual(mine?.event);
    const { copyId = '', token = '' } = mine ?? {};
    const stolen = { name: 'mail', items: [{ copyId, token, outcome: 'done' as const }] };
    expect((await tidings.consumers.settle.mutate(stolen)).items).toEqual([{ copyId, status: 'lost' }]);
    expect(await settle([{ copyId, token, outcome: 'done' }])).toEqual(['delivered']);
  });

  test('that is ordered hands out the next when the one before is settled', async () => {
    await start();
    await subscribe({ ordered: true });
    for (const id of ['one', 'two', 'three']) await publish([id]);
    const seen: unknown[] = [];
    for (let index = 0; index < 3; index += 1) {
      const [{ copyId = '', token = '', event } = {}, ...more] = await untilReceived(1);
      expect([more, await receive({ waitSeconds: 0 })]).toEqual([[], []]);
      seen.push(event?.externalId);
      await settle([{ copyId, token, outcome: 'done' }]);
    }
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  test('that is paused hands out nothing, and goes on when it is resumed', async () => {
    await start();
    const { id } = await subscribe();
    await tidings.subscriptions.pause.mutate({ id });
    await publish(['one']);
    const waiting = receive();
    await tidings.subscriptions.resume.mutate({ id });
    expect(await waiting).toHaveLength(1);
  });

  test('gives nothing to a client that hung up while it waited', async () => {
    await start();
    await subscribe();
    const request = [
      'POST /v1/consumers/stock/receive HTTP/1.1',
      'Host: tidings.test',
      `Authorization: Bearer ${running.apiKey}`,
      'Content-Type: application/json',
      'Content-Length: 2',
      '',
      '{}',
    ].join('\r\n');
    for (let client = 0; client < 3; client += 1) await exchange(running.url, request, { hangUp: true });
    await publish(orders(20));
    const handled = new Set<string>();
    while (handled.size < 20) {
      for (const { event, attempt } of await receive()) {
        expect(attempt).toBe(1);
        handled.add(event.id);
      }
    }
  });

  async function untilReceived(count: number) {
    const received: Awaited<ReturnType<typeof receive>> = [];
    while (received.length < count) received.push(...(await receive()));
    return received;
  }
});

describe.skipIf(!redisAvailable)('with Redis', () => {
  let redis: TestRedis;
  beforeEach(async () => {
    redis = await startRedis();
    cleanUp.push(redis.stop);
    await start({ REDIS_URL: redis.url });
  });

  test('emptied in the middle, all events are handled', async () => {
    const handled = new Set<string>();
    const settledAt = (count: number) =>
      until(
        () => handled.size,
        (size) => size >= count,
        60_000,
      );
    await consume({ handler: ({ externalId }) => void handled.add(externalId ?? '') });
    await publish(orders(1000));
    await settledAt(50);
    await redis.flush();
    await settledAt(1000);
  }, 90_000);

  test('away, it says so within seconds, and a consumer goes on by itself', async () => {
    const handled: string[] = [];
    await consume({ handler: ({ externalId }) => void handled.push(externalId ?? '') });
    await redis.kill();
    const refused = await receive().catch((error: unknown) => error);
    expect(isApiError(refused, 'queue_unavailable'), String(refused)).toBe(true);
    await publish(['one']);
    await redis.restart();
    await until(
      () => handled,
      (all) => all.includes('one'),
    );
  });
});
