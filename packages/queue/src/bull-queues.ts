import type { QueueName } from '@tidings/contracts';
import { type Log, withDeadline } from '@tidings/runtime';
import { type BackendFactory, Queue, type QueueOptions, Worker, type WorkerOptions } from 'bullmq';
import type { DeliveryQueue, DeliveryWorker, QueueEngine } from './engine.ts';
import { createErrorReporter } from './error-reporter.ts';
import { queueDefaults, workerOptions } from './worker-options.ts';

const closeMs = 1000;

/** The queues and workers of one engine, and how to close them. */
export interface BullQueues extends Pick<QueueEngine, 'queue' | 'worker'> {
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
  const queues = new Map<QueueName, DeliveryQueue>();
  const workers = new Set<DeliveryWorker>();

  function open(name: QueueName): DeliveryQueue {
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
    close: async () => {
      await withDeadline(Promise.all([...workers].map((worker) => worker.close(true))), closeMs);
      await withDeadline(Promise.all([...queues.values()].map((queue) => queue.close())), closeMs);
    },
  };
}

/** The one cast: BullMQ types a queue by its backend, and ours are used only through what all of them have. */
function construct<T>(Class: unknown, args: unknown[]): T {
  return new (Class as new (...args: unknown[]) => T)(...args);
}
