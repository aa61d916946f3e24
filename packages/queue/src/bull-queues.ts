import { randomUUID } from 'node:crypto';
import type { AnyQueueName } from '@tidings/contracts';
import { type Log, withDeadline } from '@tidings/runtime';
import {
  type BackendFactory,
  createRedisBackend,
  Queue,
  type QueueOptions,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { DeliveryQueue, DeliveryWorker, QueueEngine, TakenJob } from './engine.ts';
import { createErrorReporter } from './error-reporter.ts';
import { queueDefaults, workerOptions } from './worker-options.ts';

const closeMs = 1000;

/** The queues and workers of one engine, and how to close them. */
export interface BullQueues extends Pick<QueueEngine, 'queue' | 'worker' | 'taker'> {
  /**
   * Closes what is still open, without waiting for running jobs: whoever cares closes its workers first.
   * Comes back within about two seconds, whatever the server does.
   */
  close(): Promise<void>;
}

/** Opens BullMQ queues and workers over one backend; every one gets an 'error' listener. */
export function createBullQueues(options: {
  log: Log;
  forQueues: QueueOptions;
  forWorkers: Pick<WorkerOptions, 'connection' | 'prefix' | 'removeOnComplete' | 'removeOnFail'>;
  backend?: BackendFactory;
}): BullQueues {
  const { log, forQueues, forWorkers, backend } = options;
  const queues = new Map<AnyQueueName, DeliveryQueue>();
  const workers = new Set<DeliveryWorker>();

  function open(name: AnyQueueName): DeliveryQueue {
    const queue = construct<DeliveryQueue>(Queue, [name, { ...queueDefaults, ...forQueues }, backend]);
    queue.on('error', createErrorReporter({ log, source: `queue ${name}` }));
    queues.set(name, queue);
    return queue;
  }

  return {
    queue: (name) => queues.get(name) ?? open(name),
    worker: (name, process, settings) => {
      const all = { ...workerOptions(settings), ...forWorkers };
      // Two parameters on purpose: a third makes BullMQ create an AbortController for each job.
      const worker = construct<DeliveryWorker>(Worker, [name, process, all, backend]);
      worker.on('error', createErrorReporter({ log, source: `worker ${name}` }));
      workers.add(worker);
      worker.once('closed', () => workers.delete(worker));
      return worker;
    },
    taker: (name) => {
      const all = { ...workerOptions({ concurrency: 1, backoff: () => 1000 }), ...forQueues };
      const worker = construct<DeliveryWorker>(Worker, [name, null, all, withoutBlocking(backend)]);
      worker.on('error', createErrorReporter({ log, source: `taker ${name}` }));
      workers.add(worker);
      worker.once('closed', () => workers.delete(worker));
      void worker.startStalledCheckTimer();
      const held = worker.getBackend();
      return {
        take: (limit) => takeFrom(worker, limit),
        putOff: (jobId, delayMs) => held.changeDelay(jobId, delayMs),
        remove: async (jobId) => {
          await held.remove(jobId, false);
        },
        close: () => worker.close(),
      };
    },
    close: async () => {
      await withDeadline(Promise.all([...workers].map((worker) => worker.close(true))), closeMs);
      await withDeadline(Promise.all([...queues.values()].map((queue) => queue.close())), closeMs);
    },
  };
}

/** A taker never waits for a job, so it needs no connection to wait with. */
function withoutBlocking(backend: BackendFactory = createRedisBackend): BackendFactory {
  return (name, options) => backend(name, options);
}

/** One after the other: what was taken before a failure is somebody's to work on. */
async function takeFrom(worker: DeliveryWorker, limit: number): Promise<TakenJob[]> {
  const taken: TakenJob[] = [];
  while (taken.length < limit) {
    const token = randomUUID();
    try {
      const job = await worker.getNextJob(token, { block: false });
      if (job === undefined) break;
      taken.push({ job, token });
    } catch (error) {
      if (taken.length === 0) throw error;
      break;
    }
  }
  return taken;
}

/** The one cast: BullMQ types a queue by its backend, and ours are used only through what all of them have. */
function construct<T>(Class: unknown, args: unknown[]): T {
  return new (Class as new (...args: unknown[]) => T)(...args);
}
