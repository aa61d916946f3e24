import { createTidings, type Tidings } from '@tidings/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { type HttpSink, startHttpSink } from '../support/http-sink.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const events = 8;

let cleanUp: Array<() => Promise<unknown> | unknown>;
let redis: TestRedis;
let endpoint: HttpSink;
let env: Record<string, string>;
let tidings: Tidings;

describe.skipIf(!redisAvailable)('a worker dies with copies of events', () => {
  beforeEach(async () => {
    const dir = tempDir();
    redis = await startRedis();
    endpoint = await startHttpSink(() => ({ status: 204 }));
    cleanUp = [dir.remove, redis.stop, endpoint.stop];
    env = {
      DATA_DIR: dir.path,
      PORT: '0',
      WORKERS_PORT: '0',
      REDIS_URL: redis.url,
      TIDINGS_API_KEY: apiKey,
      OUTBOUND_ALLOWED_NETWORKS: '127.0.0.0/8',
      TEST_TUNING: JSON.stringify({ concurrency: 1 }),
    };
    const [, url = ''] = await start(['tidings.mjs', 'api']).printed(/(http:\/\/127\.0\.0\.1:\d+)/);
    tidings = createTidings({ url, apiKey });
  });
  afterEach(async () => {
    for (const undo of cleanUp.reverse()) await undo();
  });

  function start(file: string[], more: Record<string, string> = {}): Child {
    const child = startChild(file, { ...env, ...more });
    cleanUp.push(() => child.end());
    return child;
  }
  const startWorker = (failpoint = '') =>
    start(['test/support/worker-process.ts'], { TIDINGS_FAILPOINT: failpoint });

  /** Publishes events for a webhook, and answers its id. */
  async function publish(ordered: boolean): Promise<string> {
    const { id } = await tidings.subscriptions.create.mutate({
      name: 'shop',
      types: ['order.*'],
      settings: { kind: 'webhook', url: endpoint.url, ordered },
    });
    for (let order = 0; order < events; order += 1) {
      await tidings.events.publish.mutate({ type: 'order.created', data: { order } });
    }
    return id;
  }

  /** Its copies, once all of them have ended. */
  async function endedCopies(subscriptionId: string) {
    const { items } = await until(
      () => tidings.copies.list.query({ subscriptionId }),
      (page) => page.items.length === events && page.items.every(({ endedAt }) => endedAt !== null),
      40_000,
    );
    return Promise.all(items.map(({ id }) => tidings.copies.get.query({ id })));
  }

  /** The orders that the endpoint was told of, in their order. */
  const told = () => endpoint.requests.map(({ json }) => (json as { data: { order: number } }).data.order);
  const inOrder = Array.from({ length: events }, (_, order) => order);

  test.each([
    ['M3', 'entered in SQL, not in the queue', 'M3'],
    ['M4', 'entered, and nobody told', 'M4'],
    ['M5', 'its job active, not claimed', 'M5:3'],
    ['M6', 'claimed, nothing sent', 'M6:3'],
    ['M10', 'settled, its job not completed', 'M10:3'],
  ])(
    '%s, %s: another delivers all of them, once',
    async (moment, _, failpoint) => {
      const dying = startWorker(failpoint);
      const id = await publish(false);
      await dying.exited;
      startWorker();
      const copies = await endedCopies(id);
      expect(told().toSorted()).toEqual(inOrder);
      const lost = copies.filter(({ attempts }) => attempts.some(({ outcome }) => outcome === 'lost'));
      expect(lost).toHaveLength(moment === 'M6' ? 1 : 0);
    },
    60_000,
  );

  test('M9, delivered and not settled: that one comes twice, as the same message', async () => {
    const dying = startWorker('M9:3');
    await endedAfter(dying, publish(false));
    expect(endpoint.requests).toHaveLength(events + 1);
    expect(new Set(told()).size).toBe(events);
    expect(new Set(endpoint.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(events);
  }, 60_000);

  test.each(['M5:3', 'M6:3', 'M10:3'])(
    '%s, ordered: none overtakes another',
    async (failpoint) => {
      await endedAfter(startWorker(failpoint), publish(true));
      expect(told()).toEqual(inOrder);
    },
    60_000,
  );

  test('the queue is emptied while nobody is there: all of them are delivered, once', async () => {
    const dying = startWorker('M6:3');
    const published = publish(false);
    await dying.exited;
    await redis.flush();
    startWorker();
    await endedCopies(await published);
    expect(told().toSorted()).toEqual(inOrder);
  }, 60_000);

  async function endedAfter(dying: Child, published: Promise<string>): Promise<void> {
    const id = await published;
    await dying.exited;
    startWorker();
    await endedCopies(id);
  }
});
