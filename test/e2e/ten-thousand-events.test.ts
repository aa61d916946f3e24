import { setTimeout as delay } from 'node:timers/promises';
import { createConsumer, createTidings, type Tidings } from '@tidings/client';
import { afterEach, describe, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { type HttpSink, type HttpSinkOptions, startHttpSink } from '../support/http-sink.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const events = 10_000;
const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
/** Until the last of these has passed an endpoint may be away. */
const webhookDelaysMs = [1000, 2000, 5000, ...Array.from({ length: 30 }, () => 10_000)];
/** An endpoint does as many at once. */
const atOnceAtAnEndpoint = 16;

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** An endpoint that counts how often it said of each order that it has it. */
async function startEndpoint(
  takesItsTime: () => Promise<void> = async () => {},
  answer?: HttpSinkOptions['answer'],
) {
  const taken = new Map<string, number>();
  const sink: HttpSink = await startHttpSink(
    async ({ json }) => {
      await takesItsTime();
      const { orderId } = (json as { data: { orderId: string } }).data;
      taken.set(orderId, (taken.get(orderId) ?? 0) + 1);
      return { status: 204 };
    },
    { answer },
  );
  cleanUp.push(sink.stop);
  return { url: sink.url, taken };
}

/**
 * One that drops whatever comes, until it is back. It keeps its port meanwhile: of two tests at once the other's
 * endpoint might get it.
 */
async function startDeadEndpoint() {
  let isBack = false;
  const { url, taken } = await startEndpoint(undefined, () => (isBack ? undefined : 'drop'));
  return {
    url,
    taken,
    comeBack: () => {
      isBack = true;
    },
  };
}

interface Processes {
  api(): Child;
  worker(): Child;
  redis: Awaited<ReturnType<typeof startRedis>>;
  mails: SmtpSink;
}

/** An API and workers as processes of their own, on one record and one Redis. */
async function prepare(): Promise<Processes> {
  const dir = tempDir();
  const redis = await startRedis();
  const mails = await startSmtpSink();
  cleanUp.push(dir.remove, redis.stop, mails.stop);
  const env = {
    DATA_DIR: dir.path,
    PORT: '0',
    WORKERS_PORT: '0',
    REDIS_URL: redis.url,
    TIDINGS_API_KEY: apiKey,
    SMTP_URL: mails.url,
    EMAIL_FROM: 'shop@tidings.example',
    OUTBOUND_ALLOWED_NETWORKS: '127.0.0.0/8',
    TEST_TUNING: JSON.stringify({ webhookDelaysMs }),
  };
  const start = (file: string[], more: Record<string, string> = {}) => {
    const child = startChild(file, { ...env, ...more });
    cleanUp.push(() => child.end());
    return child;
  };
  return {
    api: () => start(['tidings.mjs', 'api']),
    worker: () => start(['test/support/worker-process.ts']),
    redis,
    mails,
  };
}

async function clientOf(api: Child): Promise<Tidings> {
  const [, url = ''] = await api.printed(/(http:\/\/127\.0\.0\.1:\d+)/);
  return createTidings({ url, apiKey });
}

/** A webhook, or the rule that mails whoever ordered; answers its id. */
async function subscribe(tidings: Tidings, name: string, url?: string): Promise<string> {
  const settings =
    url === undefined
      ? ({ kind: 'notify', to: { email: '/data/email' }, template: 'order_mail' } as const)
      : ({ kind: 'webhook', url } as const);
  return (await tidings.subscriptions.create.mutate({ name, types: ['order.*'], settings })).id;
}

async function declareTemplate(tidings: Tidings): Promise<void> {
  const content = { en: { email: { subject: 'Order {{ orderId }}', text: 'Thank you' } } };
  await tidings.templates.create.mutate({ key: 'order_mail', content });
  await tidings.templates.publish.mutate({ key: 'order_mail' });
}

/** All of them are for every consumer; the second half is published while the first travels. */
async function publish(tidings: Tidings, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 1000) {
    const { items } = await tidings.events.publishMany.mutate({
      items: Array.from({ length: 1000 }, (_, index) => ({
        type: 'order.created',
        id: `order-${at + index}`,
        data: { orderId: `${at + index}`, email: `customer-${at + index}@example.com` },
      })),
    });
    expect(items.filter((item) => 'error' in item)).toEqual([]);
  }
}

function everyOrder(): string[] {
  return Array.from({ length: events }, (_, index) => `${index}`).toSorted();
}

/** Each order, and how many there are of it beyond one. */
function tally(taken: Map<string, number>) {
  const copies = [...taken.values()].reduce((sum, count) => sum + count - 1, 0);
  return { orders: [...taken.keys()].toSorted(), copies };
}

const has = (taken: { size: number }, count: number, timeoutMs: number) =>
  until(
    () => taken.size,
    (size) => size >= count,
    timeoutMs,
  );

/** Nothing waits or failed, as the record says. */
async function expectDone(tidings: Tidings, ids: string[]): Promise<void> {
  for (const id of ids) {
    await until(
      () => tidings.subscriptions.get.query({ id }),
      ({ waiting, sending }) => waiting + sending === 0,
      120_000,
    );
    expect(await tidings.subscriptions.get.query({ id })).toMatchObject({ failed: 0, failingSince: null });
  }
}

describe.skipIf(!redisAvailable)('10,000 events to five consumers', () => {
  test('a dead one and a slow one hinder nobody; each gets all in the end, to the unit', async () => {
    const { api, worker, mails } = await prepare();
    const tidings = await clientOf(api());
    worker();
    await declareTemplate(tidings);
    const others = Promise.withResolvers<void>();
    const fast = await startEndpoint();
    // It takes a second for each, until the others are done.
    const slow = await startEndpoint(() => Promise.race([others.promise, delay(1000)]));
    const dead = await startDeadEndpoint();
    const ids = [
      await subscribe(tidings, 'fast', fast.url),
      await subscribe(tidings, 'slow', slow.url),
      await subscribe(tidings, 'dead', dead.url),
      await subscribe(tidings, 'mail'),
    ];
    const handled = new Map<string, number>();
    const consumer = createConsumer({
      tidings,
      name: 'stock',
      types: ['order.created'],
      concurrency: 100,
      handler: ({ data }) => {
        const orderId = `${data.orderId}`;
        handled.set(orderId, (handled.get(orderId) ?? 0) + 1);
      },
    });
    cleanUp.push(() => consumer.stop({ deadlineMs: 0 }));
    await consumer.subscribed;
    await publish(tidings, 0, events);

    await has(fast.taken, events, 200_000);
    await has(handled, events, 200_000);
    await mails.waitFor(events, 200_000);
    expect(slow.taken.size).toBeLessThan(events);
    others.resolve();
    await has(slow.taken, events, 200_000);
    dead.comeBack();
    await has(dead.taken, events, 200_000);

    const { items } = await tidings.subscriptions.list.query({});
    expect(items).toHaveLength(5);
    await expectDone(tidings, [...ids, ...items.map(({ id }) => id)]);
    for (const taken of [fast.taken, slow.taken, dead.taken, handled]) {
      expect(tally(taken)).toEqual({ orders: everyOrder(), copies: 0 });
    }
    expect(mails.received).toHaveLength(events);
    expect(copiesByMessage(mails.received).size).toBe(events);
  }, 600_000);

  test('workers and API killed and Redis emptied on the way: all get all, copies only of what was in hand', async () => {
    const { api, worker, mails, redis } = await prepare();
    let server = api();
    let tidings = await clientOf(server);
    let [one, two] = [worker(), worker()];
    await declareTemplate(tidings);
    const fast = await startEndpoint();
    const other = await startEndpoint();
    const dead = await startDeadEndpoint();
    const ids = [
      await subscribe(tidings, 'fast', fast.url),
      await subscribe(tidings, 'other', other.url),
      await subscribe(tidings, 'dead', dead.url),
      await subscribe(tidings, 'mail'),
    ];
    const handled = new Map<string, number>();
    const concurrency = 50;
    const consume = () =>
      createConsumer({
        tidings,
        name: 'stock',
        types: ['order.created'],
        concurrency,
        leaseSeconds: 5,
        onError: () => {},
        handler: ({ data }) => {
          const orderId = `${data.orderId}`;
          handled.set(orderId, (handled.get(orderId) ?? 0) + 1);
        },
      });
    let consumer = consume();
    cleanUp.push(() => consumer.stop({ deadlineMs: 0 }));
    await consumer.subscribed;

    await publish(tidings, 0, 5000);
    await has(fast.taken, 500, 100_000);
    await one.end('SIGKILL');
    one = worker();
    await has(handled, 1000, 100_000);
    await redis.flush();
    await has(fast.taken, 2000, 100_000);
    await two.end('SIGKILL');
    await server.end('SIGKILL');
    await consumer.stop({ deadlineMs: 0 });
    server = api();
    tidings = await clientOf(server);
    consumer = consume();
    two = worker();
    await publish(tidings, 5000, events);
    await has(handled, 6000, 100_000);
    await redis.flush();
    dead.comeBack();

    for (const taken of [fast.taken, other.taken, handled, dead.taken]) await has(taken, events, 250_000);
    const { items } = await tidings.subscriptions.list.query({});
    await expectDone(tidings, [...ids, ...items.map(({ id }) => id)]);
    const kills = 2;
    for (const taken of [fast.taken, other.taken, dead.taken]) {
      const { orders, copies } = tally(taken);
      expect(orders).toEqual(everyOrder());
      expect(copies).toBeLessThanOrEqual(kills * atOnceAtAnEndpoint);
    }
    const { orders, copies } = tally(handled);
    expect(orders).toEqual(everyOrder());
    // What it had handled and could not settle, when the API died.
    expect(copies).toBeLessThanOrEqual(2 * concurrency);
    // Each event made one notification, whoever was killed while it was made.
    await mails.waitFor(events, 100_000);
    const notified = await countNotifications(tidings);
    expect(notified).toBe(events);
    expect(copiesByMessage(mails.received).size).toBe(events);
  }, 900_000);
});

async function countNotifications(tidings: Tidings): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const page = await tidings.notifications.list.query({ limit: 100, after });
    count += page.items.length;
    after = page.after ?? undefined;
  } while (after !== undefined);
  return count;
}
