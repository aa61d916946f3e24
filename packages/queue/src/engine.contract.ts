import { type QueueName, queueOfSubscription } from '@tidings/contracts';
import { silentLog } from '@tidings/runtime';
import { UnrecoverableError, Worker } from 'bullmq';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { DeliveryJob, DeliveryWorker, QueueEngine, WorkerSettings } from './engine.ts';

export const log = silentLog();
export const quick = { timeout: 15_000, interval: 10 };
const consumer = queueOfSubscription('sub_1');
export const data = (number: number) => ({ v: 1 as const, id: `msg_${number}` });

/** Starts a worker that ends with its test. */
export type Work = (
  name: QueueName,
  process: (job: DeliveryJob) => Promise<void> | void,
  settings?: Partial<WorkerSettings>,
) => DeliveryWorker;

/**
 * Registers for a test file: workers that end with their test, queues that are empty after each, and no promise
 * rejected unheard. `engineOf` answers the engine that the file has opened.
 */
export function workBench(engineOf: () => QueueEngine): Work {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  let workers: DeliveryWorker[] = [];

  beforeAll(() => {
    process.on('unhandledRejection', onUnhandled);
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
    for (const name of ['email', 'push'] as const) await engineOf().queue(name).obliterate({ force: true });
  });
  afterAll(() => {
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  return (name, process, settings = {}) => {
    const worker = engineOf().worker(name, async (job) => process(job), {
      concurrency: 1,
      backoff: () => 1000,
      ...settings,
    });
    workers.push(worker);
    void worker.run();
    return worker;
  };
}

/** What every engine must do. */
export function everyEngineKeepsTheContract(engineOf: () => QueueEngine, work: Work): void {
  it('runs the jobs that were added, with their data', async () => {
    const seen: unknown[] = [];
    work('email', (job) => void seen.push(job.name, job.id, job.data));
    await engineOf().queue('email').add('email', data(1), { jobId: 'msg_1-g1', priority: 2 });
    await vi.waitFor(() => expect(seen).toEqual(['email', 'msg_1-g1', data(1)]), quick);
  });

  it('wakes an idle worker at once', async () => {
    let doneAt = 0;
    const worker = work('email', () => {
      doneAt = performance.now();
    });
    await new Promise((resolve) => worker.once('drained', () => resolve(undefined)));
    const addedAt = performance.now();
    await engineOf().queue('email').add('email', data(1), { priority: 2 });
    await vi.waitFor(() => expect(doneAt).toBeGreaterThan(0), quick);
    expect(doneAt - addedAt).toBeLessThan(1500);
  });

  it('ignores an added job whose id it still holds, also when that job is completed', async () => {
    const queue = engineOf().queue('email');
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
    await engineOf()
      .queue('email')
      .addBulk(
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
    const queue = engineOf().queue('email');
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
    await engineOf().queue('email').add('email', data(1), { priority: 2 });
    await vi.waitFor(() => expect(runs).toHaveLength(3), quick);
    expect(asked).toEqual(['failure 1', 'failure 2']);
    expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThanOrEqual(290);
  });

  it('fails a job with an UnrecoverableError at once', async () => {
    const queue = engineOf().queue('email');
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
    const queue = engineOf().queue('email');
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
    await engineOf()
      .queue('email')
      .addBulk(
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
    expect(await engineOf().queue('email').getJobState('msg_404-g1')).toBe('unknown');
  });

  it('keeps the queues apart', async () => {
    const seen: string[] = [];
    work('push', (job) => void seen.push(job.name));
    await engineOf().queue('email').add('email', data(1), { priority: 2 });
    await engineOf().queue('push').add('push', data(2), { priority: 2 });
    await vi.waitFor(() => expect(seen).toEqual(['push']), quick);
    expect(await engineOf().queue('email').count()).toBe(1);
  });

  it('counts a sequence', async () => {
    await engineOf().sequence.set(41);
    expect(await engineOf().sequence.raise()).toBe(42);
    expect(await engineOf().sequence.read()).toBe(42);
  });

  it('answers a ping', async () => {
    await engineOf().ping();
  });

  it('has a queue for any consumer', async () => {
    const engine = engineOf();
    const seen: string[] = [];
    const worker = engine.worker(consumer, async (job) => void seen.push(job.data.id), {
      concurrency: 1,
      backoff: () => 1000,
    });
    void worker.run();
    await engine.queue(consumer).add('copy', { v: 1, id: 'cpy_1' }, { jobId: 'cpy_1-g0' });
    await vi.waitFor(() => expect(seen).toEqual(['cpy_1']), quick);
    await worker.close();
    expect(await engine.queue(consumer).getJobState('cpy_1-g0')).toBe('completed');
    await engine.queue(consumer).obliterate({ force: true });
  });

  it('hands out jobs to who takes them, each once, and takes them back when they are moved', async () => {
    const engine = engineOf();
    const queue = engine.queue(consumer);
    await queue.addBulk([1, 2, 3].map((id) => ({ name: 'copy', data: { v: 1, id: `cpy_${id}` } })));
    const [one, other] = [engine.taker(consumer), engine.taker(consumer)];
    const first = await one.take(2);
    expect(first.map(({ job }) => job.data.id)).toEqual(['cpy_1', 'cpy_2']);
    const second = await other.take(2);
    expect(second.map(({ job }) => job.data.id)).toEqual(['cpy_3']);
    for (const { job, token } of second) await job.moveToDelayed(Date.now() + 100, token);
    await vi.waitFor(async () => {
      const again = await one.take(2);
      expect(again.map(({ job }) => job.data.id)).toEqual(['cpy_3']);
    }, quick);
    expect(await other.take(1)).toEqual([]);
    await Promise.all([one.close(), other.close()]);
    await queue.obliterate({ force: true });
  });

  it('puts off and forgets jobs that were taken, by their ids', async () => {
    const engine = engineOf();
    const queue = engine.queue(consumer);
    const ids = ['cpy_1-g0', 'cpy_2-g0'];
    await queue.addBulk(ids.map((jobId) => ({ name: 'copy', data: { v: 1, id: 'cpy_1' }, opts: { jobId } })));
    const taker = engine.taker(consumer);
    for (const { job, token } of await taker.take(2)) await job.moveToDelayed(Date.now() + 60_000, token);
    expect(await taker.take(2)).toEqual([]);
    await taker.putOff('cpy_1-g0', 0);
    await taker.remove('cpy_2-g0');
    await vi.waitFor(async () => {
      expect((await taker.take(2)).map(({ job }) => job.id)).toEqual(['cpy_1-g0']);
    }, quick);
    expect(await queue.getJob('cpy_2-g0')).toBeUndefined();
    await taker.remove('cpy_2-g0');
    await expect(taker.putOff('cpy_2-g0', 0)).rejects.toThrow();
    await taker.close();
    await queue.obliterate({ force: true });
  });

  it('opens each queue once', () => {
    expect(engineOf().queue('email')).toBe(engineOf().queue('email'));
  });
}

/** Closes an engine whose worker waits for its next job. */
export async function closesQuickly(other: QueueEngine): Promise<void> {
  let runs = 0;
  const worker = other.worker('push', async () => void runs++, { concurrency: 1, backoff: () => 1 });
  void worker.run();
  await vi.waitFor(() => other.queue('push').add('push', data(1), { priority: 2 }), quick);
  await vi.waitFor(() => expect(runs).toBeGreaterThan(0), quick);
  const started = performance.now();
  await other.close();
  expect(performance.now() - started).toBeLessThan(3000);
}

/** Opens and closes workers of a queue that others go on with, as consumers come and go. */
export async function closedWorkersLeaveNoConnection(
  engine: QueueEngine,
  connections = () => engine.queue(consumer).getWorkersCount(),
): Promise<void> {
  for (let times = 0; times < 3; times += 1) {
    const worker = engine.worker(consumer, async () => {}, { concurrency: 1, backoff: () => 1 });
    void worker.run();
    await vi.waitFor(async () => expect(await connections()).toBe(1), quick);
    await worker.close();
    await vi.waitFor(async () => expect(await connections()).toBe(0), quick);
  }
}
