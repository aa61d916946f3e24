import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Child } from '../support/child.ts';
import { enginesOfTests } from '../support/engines.ts';
import { type FcmSink, type FcmSinkOptions, startFcmSink } from '../support/fcm-sink.ts';
import { startToxicProxy, type ToxicProxy } from '../support/toxic-proxy.ts';
import { until } from '../support/until.ts';
import { longTest, runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { freshKeys, pushTo } from './recording-client.ts';

vi.setConfig({ testTimeout: 240_000 });

const cleanUp: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const pushes = 40;

interface Running {
  sink: FcmSink;
  proxy: ToxicProxy;
  cluster: Cluster;
}

/** An API before FCM, with a proxy on the way to it. */
async function start(options: FcmSinkOptions = {}): Promise<Running> {
  const sink = await startFcmSink(options);
  const proxy = await startToxicProxy(sink.port);
  const cluster = await openCluster({ fcm: sink, fcmUrl: `http://127.0.0.1:${proxy.port}` });
  cleanUp.push(sink.stop, proxy.stop, cluster.stop);
  await cluster.startApi();
  return { sink, proxy, cluster };
}

async function sendAll({ client }: Cluster, count = pushes, more: object = {}): Promise<void> {
  await Promise.all(freshKeys(count).map((key) => client.sendSurely(key, pushTo(key, more))));
}

describe('the way to FCM', () => {
  longTest('a black hole of 3 s, and 200 ms of latency: all are sent once', async () => {
    const { proxy, cluster, sink } = await start();
    await cluster.startWorker();
    proxy.poison({ latencyMs: 200 });
    await sendAll(cluster);
    await until(
      () => sink.requests.length,
      (count) => count > 0,
    );
    proxy.poison({ blackHole: true });
    await sendAll(cluster);
    await delay(3000);
    proxy.heal();
    const { record, copies } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: 2 * pushes });
    expect(copies).toHaveLength(2 * pushes);
  });

  longTest(
    'a black hole that outlasts the time for a reply: copies of what was in it, each the same',
    async () => {
      const { proxy, cluster, sink } = await start();
      await cluster.startWorker();
      await sendAll(cluster);
      await until(
        () => sink.requests.length,
        (count) => count === pushes,
      );
      const from = Date.now();
      proxy.poison({ blackHole: true });
      await sendAll(cluster);
      await delay(40_000);
      proxy.heal();
      cluster.note({ name: 'black hole', ambiguous: true, from });
      const { record } = await cluster.expectInvariants();
      expect(record.counts).toEqual({ sent: 2 * pushes });
    },
  );

  longTest(
    'refused: they are held, no failure is counted, and all go out within 5 s of its return',
    async () => {
      const { proxy, cluster } = await start();
      await proxy.down();
      await cluster.startWorker();
      await sendAll(cluster);
      await until(
        () => cluster.record(),
        ({ messages }) => messages.some(({ attempts }) => attempts.some(({ outcome }) => outcome === 'held')),
      );
      await proxy.up();
      const from = Date.now();
      const { record, copies } = await cluster.expectInvariants({ drain: { from, withinMs: 5000 } });
      expect(record.messages.map(({ failures }) => failures)).toEqual(Array(pushes).fill(0));
      expect(copies).toHaveLength(pushes);
    },
  );
});

describe('a worker dies', () => {
  longTest(
    'before FCM replies, and between reply and commit: the copies are of what it had in hand',
    async () => {
      let victim: Child | undefined;
      const { cluster, sink } = await start({
        answer: (count) => {
          if (count !== 10) return undefined;
          victim?.signal('SIGKILL');
          return 'silence';
        },
      });
      const from = Date.now();
      victim = await cluster.startWorker({ tuning: { concurrency: 4 } });
      await sendAll(cluster);
      await victim.exited;
      cluster.note({ name: 'killed before the reply', ambiguous: true, from });
      const second = Date.now();
      victim = await cluster.startWorker({ failpoint: 'M9:3', tuning: { concurrency: 4 } });
      await victim.exited;
      cluster.note({ name: 'killed before the commit', ambiguous: true, from: second });
      await cluster.startWorker();
      const { record, copies } = await cluster.expectInvariants();
      expect(record.counts).toEqual({ sent: pushes });
      expect(copies.length).toBeGreaterThan(pushes);
      expect(copies.length).toBeLessThanOrEqual(pushes + 8);
      expect(sink.requests).toHaveLength(copies.length);
    },
  );
});

describe('FCM says 429', () => {
  /** Until a while ago the first request of each lane is told so; `asked` is when. */
  function throttledBy(retryAfter: Record<'normal' | 'critical', string | undefined>) {
    const refused: Array<{ lane: string; at: number }> = [];
    const options: FcmSinkOptions = {
      answer: (_, { at, body }) => {
        const lane = body.message.token.startsWith('critical') ? 'critical' : 'normal';
        if (refused.some((one) => one.lane === lane)) return undefined;
        refused.push({ lane, at });
        const wait = retryAfter[lane];
        return { status: 429, ...(wait !== undefined && { headers: { 'retry-after': wait } }) };
      },
    };
    return { refused, options };
  }
  const sendTo = async ({ client }: Cluster, lane: string) => {
    for (const key of freshKeys(5)) await client.sendSurely(key, pushTo(`${lane}-${key}`, { lane }));
  };

  /** When each lane's first was taken after it had been told to wait, in milliseconds from then. */
  async function waits(retryAfter: Record<'normal' | 'critical', string | undefined>) {
    const { refused, options } = throttledBy(retryAfter);
    const { cluster, sink } = await start(options);
    await cluster.startWorker({ tuning: { concurrency: 1 } });
    await Promise.all(['normal', 'critical'].map((lane) => sendTo(cluster, lane)));
    const { record, copies } = await cluster.expectInvariants({ timeoutMs: 120_000 });
    expect(copies).toHaveLength(10);
    expect(record.messages.map(({ failures }) => failures)).toEqual(Array(10).fill(0));
    return refused.map(({ lane, at }) => {
      const next = sink.requests.find((one) => one.body.message.token.startsWith(lane) && one.at > at);
      return (next?.at ?? 0) - at;
    });
  }

  longTest(
    'with a date and with seconds: each lane waits as long as it is told, and counts no failure',
    async () => {
      const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 8000);
      const [first, second] = (await waits({ normal: '3', critical: date.toUTCString() })).toSorted(
        (a, b) => a - b,
      );
      expect(first).toBeGreaterThanOrEqual(2900);
      expect(second).toBeGreaterThanOrEqual(3000);
    },
  );

  longTest('without a word, and with a negative number: a minute, in which the quota is filled', async () => {
    for (const waitedMs of await waits({ normal: undefined, critical: '-5' }))
      expect(waitedMs).toBeGreaterThanOrEqual(59_000);
  });

  test.skipIf(!runsAll || enginesOfTests !== 'pglite+sqlite')(
    'with a number that is too large: an hour at most, which lives in the queue and ends with it',
    async () => {
      const { options } = throttledBy({ normal: '9'.repeat(40), critical: '9'.repeat(40) });
      const { cluster, sink } = await start(options);
      const worker = await cluster.startWorker({ tuning: { concurrency: 1 } });
      await sendTo(cluster, 'normal');
      const [, waitMs] = await worker.printed(/"waitMs":(\d+)/);
      expect(Number(waitMs)).toBe(3_600_000);
      expect(await worker.end('SIGTERM')).toBe(0);
      expect(sink.requests).toHaveLength(1);
      await cluster.startWorker();
      const { copies, record } = await cluster.expectInvariants();
      expect(copies).toHaveLength(5);
      expect(record.messages.map(({ failures }) => failures)).toEqual(Array(5).fill(0));
    },
  );
});
