import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QueueName } from '@tidings/contracts';
import { silentLog } from '@tidings/runtime';
import { UnrecoverableError, Worker } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisAvailable, startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
import type { DeliveryJob, DeliveryWorker, QueueEngine, WorkerSettings } from './engine.ts';
import { createPgliteEngine } from './pglite-engine.ts';
import { createRedisEngine } from './redis-engine.ts';

const log = silentLog();
const quick = { timeout: 15_000, interval: 10 };
const data = (number: number) => ({ v: 1 as const, id: `msg_${number}` });

let engine: QueueEngine;
let workers: DeliveryWorker[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

/** A running worker that ends with its test. */
function work(
  name: QueueName,
  process: (job: DeliveryJob) => Promise<void> | void,
  settings: Partial<WorkerSettings> = {},
): DeliveryWorker {
  const worker = engine.worker(name, async (job) => process(job), {
    concurrency: 1,
    backoff: () => 1000,
    ...settings,
  });
  workers.push(worker);
  void worker.run();
  return worker;
}

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  workers = [];
  for (const name of ['email', 'push'] as const) await engine.queue(name).obliterate({ force: true });
});

function everyEngineKeepsTheContract(): void {
  it('runs the jobs that were added, with their data', async () => {
    const seen: unknown[] = [];
    work('email', (job) => void seen.push(job.name, job.id, job.data));
    await engine.queue('email').add('email', data(1), { jobId: 'msg_1-g1', priority: 2 });
    await vi.waitFor(() => expect(seen).toEqual(['email', 'msg_1-g1', data(1)]), quick);
  });

  it('wakes an idle worker at once', async () => {
    let doneAt = 0;
    const worker = work('email', () => {
      doneAt = performance.now();
    });
    await new Promise((resolve) => worker.once('drained', () => resolve(undefined)));
    const addedAt = performance.now();
    await engine.queue('email').add('email', data(1), { priority: 2 });
    await vi.waitFor(() => expect(doneAt).toBeGreaterThan(0), quick);
    expect(doneAt - addedAt).toBeLessThan(1500);
  });

  it('ignores an added job whose id it still holds, also when that job is completed', async () => {
    const queue = engine.queue('email');
    const job = { name: 'email', data: data(1), opts: { jobId: 'msg_1-g1', priority: 2 } };
    let runs = 0;
    work('email', () => void runs++);
    await queue.addBulk([job, job]);
    await vi.waitFor(async () => expect(await queue.getJobState('msg_1-g1')).toBe('completed'), quick);
    await queue.addBulk([job, { ...job, opts: { jobId: 'msg_2-g1', priority: 2 } }]);
    await vi.waitFor(async () => expect(await queue.getJobState('msg_2-g1')).toBe('completed'), quick);
    expect(runs).toBe(2);
  });

  it('runs a lower priority number first, and equal ones in the order they were added', async () => {
    const order: string[] = [];
    await engine.queue('email').addBulk(
      [3, 2, 1, 3, 2, 1].map((priority, index) => ({
        name: 'email',
        data: data(index),
        opts: { jobId: `p${priority}-${index}`, priority },
      })),
    );
    work('email', (job) => void order.push(job.id ?? ''));
    await vi.waitFor(() => expect(order).toEqual(['p1-2', 'p1-5', 'p2-1', 'p2-4', 'p3-0', 'p3-3']), quick);
  });

  it('lets a delayed job wait until it is due', async () => {
    const queue = engine.queue('email');
    let ranAt = 0;
    work('email', () => {
      ranAt = Date.now();
    });
    const addedAt = Date.now();
    const job = await queue.add('email', data(1), { delay: 700, priority: 2 });
    expect(await queue.getJobState(job.id ?? '')).toBe('delayed');
    await vi.waitFor(() => expect(ranAt).toBeGreaterThan(0), quick);
    expect(ranAt - addedAt).toBeGreaterThanOrEqual(690);
    expect(ranAt - addedAt).toBeLessThan(3000);
  });

  it('tries a failing job again after the milliseconds that backoff answers for its error', async () => {
    const runs: number[] = [];
    const asked: string[] = [];
    work(
      'email',
      () => {
        runs.push(Date.now());
        if (runs.length < 3) throw new Error(`failure ${runs.length}`);
      },
      {
        backoff: (error) => {
          asked.push(error.message);
          return 300;
        },
      },
    );
    await engine.queue('email').add('email', data(1), { priority: 2 });
    await vi.waitFor(() => expect(runs).toHaveLength(3), quick);
    expect(asked).toEqual(['failure 1', 'failure 2']);
    expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThanOrEqual(290);
  });

  it('fails a job with an UnrecoverableError at once', async () => {
    const queue = engine.queue('email');
    let runs = 0;
    work('email', () => {
      runs++;
      throw new UnrecoverableError('never');
    });
    const job = await queue.add('email', data(1), { priority: 2 });
    await vi.waitFor(async () => expect(await queue.getJobState(job.id ?? '')).toBe('failed'), quick);
    expect(runs).toBe(1);
    expect((await queue.getJob(job.id ?? ''))?.stacktrace ?? []).toEqual([]);
  });

  it('starts no job while the queue is rate limited, and keeps the job that asked for it', async () => {
    const queue = engine.queue('email');
    const runs: { id: string; at: number }[] = [];
    let limitedAt = 0;
    work('email', async (job) => {
      runs.push({ id: job.id ?? '', at: Date.now() });
      if (limitedAt) return;
      limitedAt = Date.now();
      await queue.rateLimit(800);
      throw Worker.RateLimitError();
    });
    await queue.addBulk(
      ['a', 'b'].map((jobId) => ({ name: 'email', data: data(1), opts: { jobId, priority: 2 } })),
    );
    await vi.waitFor(() => expect(runs).toHaveLength(3), quick);
    expect(runs.map((run) => run.id).toSorted()).toEqual(['a', 'a', 'b']);
    expect((runs[1]?.at ?? 0) - limitedAt).toBeGreaterThanOrEqual(750);
    expect((runs[1]?.at ?? 0) - limitedAt).toBeLessThan(3000);
  });

  it('starts no more than perSecond jobs in a second', async () => {
    const starts: number[] = [];
    await engine.queue('email').addBulk(
      Array.from({ length: 12 }, (_, index) => ({
        name: 'email',
        data: data(index),
        opts: { priority: 2 },
      })),
    );
    work('email', () => void starts.push(Date.now()), { concurrency: 10, perSecond: 5 });
    await vi.waitFor(() => expect(starts).toHaveLength(12), quick);
    expect((starts[11] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(1500);
  });

  it("answers 'unknown' for the state of a job it does not hold", async () => {
    expect(await engine.queue('email').getJobState('msg_404-g1')).toBe('unknown');
  });

  it('keeps the queues apart', async () => {
    const seen: string[] = [];
    work('push', (job) => void seen.push(job.name));
    await engine.queue('email').add('email', data(1), { priority: 2 });
    await engine.queue('push').add('push', data(2), { priority: 2 });
    await vi.waitFor(() => expect(seen).toEqual(['push']), quick);
    expect(await engine.queue('email').count()).toBe(1);
  });

  it('counts a sequence', async () => {
    await engine.sequence.set(41);
    expect(await engine.sequence.raise()).toBe(42);
    expect(await engine.sequence.read()).toBe(42);
  });

  it('answers a ping', async () => {
    await engine.ping();
  });

  it('opens each queue once', () => {
    expect(engine.queue('email')).toBe(engine.queue('email'));
  });
}

async function closesQuickly(other: QueueEngine): Promise<void> {
  let runs = 0;
  const worker = other.worker('push', async () => void runs++, { concurrency: 1, backoff: () => 1 });
  void worker.run();
  await vi.waitFor(() => other.queue('push').add('push', data(1), { priority: 2 }), quick);
  await vi.waitFor(() => expect(runs).toBeGreaterThan(0), quick);
  const started = performance.now();
  await other.close();
  expect(performance.now() - started).toBeLessThan(3000);
}

beforeAll(() => {
  process.on('unhandledRejection', onUnhandled);
});
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

describe('PGlite', () => {
  beforeAll(async () => {
    engine = await createPgliteEngine({ log, tidyEveryMs: 100 });
  });
  afterAll(() => engine.close());
  everyEngineKeepsTheContract();

  it('keeps a thousand completed jobs at most', async () => {
    const queue = engine.queue('email');
    const add = (jobId: string) => ({ name: 'email', data: data(1), opts: { jobId, priority: 2 } });
    await queue.addBulk(Array.from({ length: 1500 }, (_, index) => add(`j${index}`)));
    work('email', () => {}, { concurrency: 50 });
    await vi.waitFor(async () => {
      expect(await queue.getJobState('j1499')).toBe('completed');
      expect(await queue.getJobCountByTypes('waiting', 'prioritized', 'active')).toBe(0);
      expect(await queue.getCompletedCount()).toBe(1000);
      expect(await queue.getJobState('j0')).toBe('unknown');
    }, quick);
  });

  it('closes quickly, an idle worker included', async () => closesQuickly(await createPgliteEngine({ log })));
});

describe.skipIf(!redisAvailable)('Redis', () => {
  const start = (url: string) => createRedisEngine({ connection: url, description: 'test', log });
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
    engine = start(redis.url);
    await vi.waitFor(() => engine.ping(), quick);
  });
  afterAll(async () => {
    await engine.close();
    await redis.stop();
  });
  everyEngineKeepsTheContract();

  it('loses the sequence with everything else', async () => {
    await engine.sequence.set(7);
    await redis.flush();
    expect(await engine.sequence.read()).toBe(0);
  });

  it('rejects adds within 2.5 s while Redis is away, and goes on within 5 s of its return', async () => {
    const seen: string[] = [];
    work('email', (job) => void seen.push(job.id ?? ''));
    await redis.kill();
    const awaySince = performance.now();
    while (performance.now() - awaySince < 3000) {
      const started = performance.now();
      await expect(engine.queue('email').add('email', data(1))).rejects.toThrow();
      await expect(engine.queue('push').addBulk([{ name: 'push', data: data(1) }])).rejects.toThrow();
      await expect(engine.ping()).rejects.toThrow();
      expect(performance.now() - started).toBeLessThan(2500);
      await nextTurn();
    }
    await redis.restart();
    const backSince = performance.now();
    await vi.waitFor(() => engine.queue('email').add('email', data(1), { jobId: 'after' }), quick);
    await vi.waitFor(() => expect(seen).toContain('after'), quick);
    expect(performance.now() - backSince).toBeLessThan(5000);
  });

  it('may be created while Redis is away: rejects at once, works when it is there', async () => {
    await redis.kill();
    const early = start(redis.url);
    const seen: string[] = [];
    const worker = early.worker('push', async (job) => void seen.push(job.id ?? ''), {
      concurrency: 1,
      backoff: () => 1000,
    });
    void worker.run();
    const started = performance.now();
    await expect(early.queue('push').add('push', data(1))).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(2500);
    await redis.restart();
    await vi.waitFor(() => early.queue('push').add('push', data(1), { jobId: 'early' }), quick);
    await vi.waitFor(() => expect(seen).toContain('early'), quick);
    await early.close();
    await vi.waitFor(() => engine.ping(), quick);
  });

  it.each(['idle', 'busy'])('closes quickly with Redis gone and a worker that is %s', async (state) => {
    const lost = start(redis.url);
    await vi.waitFor(() => lost.ping(), quick);
    let started = 0;
    const worker = lost.worker(
      'push',
      () => {
        started++;
        return new Promise(() => {});
      },
      { concurrency: 2, backoff: () => 1000 },
    );
    worker.run().catch(() => {});
    await worker.waitUntilReady();
    if (state === 'busy') await lost.queue('push').add('push', data(1));
    if (state === 'busy') await vi.waitFor(() => expect(started).toBe(1), quick);
    await redis.kill();
    const closing = performance.now();
    await lost.close();
    expect(performance.now() - closing).toBeLessThan(3000);
    await redis.restart();
    await vi.waitFor(() => engine.ping(), quick);
  });

  it('closes quickly when it never reached Redis', async () => {
    const never = start('redis://127.0.0.1:1');
    void never.worker('push', async () => {}, { concurrency: 1, backoff: () => 1 }).run();
    never.queue('push');
    const closing = performance.now();
    await never.close();
    expect(performance.now() - closing).toBeLessThan(3000);
  });

  it('closes quickly, an idle worker included', () => closesQuickly(start(redis.url)));
});
