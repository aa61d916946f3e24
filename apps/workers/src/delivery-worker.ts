import type { AnyQueueName } from '@tidings/contracts';
import type { DeliveryJob, DeliveryWorker, QueueEngine, WorkerSettings } from '@tidings/queue';
import { type Log, withDeadline } from '@tidings/runtime';
import type { Watched } from './watchdog.ts';

/** The worker of one queue, which the watchdog may replace. */
export interface QueueWorker extends Watched {
  start(): void;
  /**
   * Takes no new jobs and lets the running ones finish, for at most `deadlineMs`. When the queue is known to
   * be away, it does not wait for it to hear of that.
   */
  stop(options: { deadlineMs: number; queueIsAway: boolean }): Promise<void>;
}

/** The errors that BullMQ is told something with. */
const signals = ['RetryLater', 'DelayedError', 'UnrecoverableError'];

/** Runs `process` for each job of a queue. */
export function createQueueWorker(options: {
  engine: QueueEngine;
  name: AnyQueueName;
  process: (job: DeliveryJob, token: string | undefined) => Promise<void>;
  settings: WorkerSettings;
  log: Log;
}): QueueWorker {
  const { engine, name, process, settings, log } = options;
  let worker: DeliveryWorker | undefined;
  let lastMoved = performance.now();
  let running = 0;
  const idleListeners: Array<() => void> = [];

  async function counted(job: DeliveryJob, token: string | undefined): Promise<void> {
    lastMoved = performance.now();
    running += 1;
    try {
      await process(job, token);
    } catch (error) {
      throw forTheQueue(error);
    } finally {
      running -= 1;
      lastMoved = performance.now();
      if (running === 0) for (const tell of idleListeners.splice(0)) tell();
    }
  }

  /** BullMQ keeps an error's message: what is not of our making may quote an address, and stays here. */
  function forTheQueue(error: unknown): unknown {
    const known = error instanceof Error && signals.includes(error.name);
    if (known) return error;
    log.warn({ err: error, queue: name }, 'a job could not be worked on; it comes back');
    return new Error(error instanceof Error ? error.name : 'Error');
  }

  function whenIdle(): Promise<void> {
    return running === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve));
  }

  function start(): void {
    lastMoved = performance.now();
    const started = engine.worker(name, counted, settings);
    worker = started;
    started.run().catch((err) => log.error({ err, queue: name }, 'a worker ended by itself'));
  }

  return {
    name,
    start,
    isFull: () => running >= settings.concurrency,
    lastMoved: () => lastMoved,
    replace: () => {
      const old = worker;
      start();
      old?.close().catch((err) => log.debug({ err, queue: name }, 'the replaced worker did not close'));
    },
    stop: async ({ deadlineMs, queueIsAway }) => {
      if (worker === undefined) return;
      // close() waits for ever when Redis is gone: SQL already has every outcome, so it may be left behind.
      const closed = worker.close();
      const finished = await withDeadline(queueIsAway ? whenIdle() : closed, deadlineMs);
      if (!finished) log.warn({ queue: name, running }, 'the worker did not finish in time');
    },
  };
}
