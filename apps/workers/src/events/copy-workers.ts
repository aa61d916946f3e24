import { queueOfSubscription } from '@tidings/contracts';
import type { CopyQueueState } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import type { Log } from '@tidings/runtime';
import { backoffOf } from '../deliver/retry-later.ts';
import { createQueueWorker, type QueueWorker } from '../delivery-worker.ts';
import type { Watched } from '../watchdog.ts';
import type { CopyProcessor } from './copy-processor.ts';
import type { SentKind } from './copy-sender.ts';

/** Copies of one subscription that a process works on at once. */
const concurrencyOf: Readonly<Record<SentKind, number>> = { webhook: 16, notify: 32 };

/** How long a worker that is closed may take to finish, before it is said to hang. */
const closeMs = 600_000;

/** The workers of the subscriptions that have work. */
export interface CopyWorkers {
  /** Opens workers for the work that there is, and closes those that had none for a while. */
  follow(states: CopyQueueState[]): void;
  watched(): Watched[];
  /** As `QueueWorker.stop`, for all of them; none is opened any more. */
  stop(options: { deadlineMs: number; queueIsAway: boolean }): Promise<void>;
}

interface Open {
  worker: QueueWorker;
  ordered: boolean;
  neededAt: number;
}

/**
 * A worker for each subscription of kind `notify` and `webhook` while it has copies in the queue, so that connections
 * follow the work and not the number of subscriptions. One that is ordered works on one copy at a time.
 */
export function createCopyWorkers(options: {
  engine: QueueEngine;
  process: (kind: SentKind) => CopyProcessor;
  log: Log;
  lockMs?: number;
  stalledMs?: number;
  concurrency?: number;
  /** How long a worker stays without work, in milliseconds. */
  idleMs?: number;
}): CopyWorkers {
  const { engine, process, log, lockMs, stalledMs, idleMs = 60_000 } = options;
  const open = new Map<string, Open>();
  const closing = new Set<QueueWorker>();
  let stopped = false;

  function start(id: string, kind: SentKind, ordered: boolean): Open {
    const concurrency = ordered ? 1 : (options.concurrency ?? concurrencyOf[kind]);
    const worker = createQueueWorker({
      engine,
      name: queueOfSubscription(id),
      process: process(kind),
      settings: { concurrency, lockMs, stalledMs, backoff: backoffOf },
      log,
    });
    worker.start();
    const opened = { worker, ordered, neededAt: performance.now() };
    open.set(id, opened);
    return opened;
  }

  /** Whatever runs in it may finish: nothing waits for that but `stop`. */
  function close(id: string, { worker }: Open): void {
    open.delete(id);
    closing.add(worker);
    void worker
      .stop({ deadlineMs: closeMs, queueIsAway: false })
      .catch((err) => log.debug({ err, queue: worker.name }, 'a worker without work did not close'))
      .finally(() => closing.delete(worker));
  }

  function need(id: string, kind: SentKind, { ordered, inQueue }: CopyQueueState): void {
    const known = open.get(id);
    if (known !== undefined && known.ordered !== ordered) close(id, known);
    if (inQueue === 0) return;
    const needed = open.get(id) ?? start(id, kind, ordered);
    needed.neededAt = performance.now();
  }

  return {
    follow: (states) => {
      if (stopped) return;
      for (const state of states) {
        if (state.kind !== 'queue') need(state.subscriptionId, state.kind, state);
      }
      for (const [id, opened] of open) {
        if (performance.now() - opened.neededAt > idleMs) close(id, opened);
      }
    },
    watched: () => [...open.values()].map(({ worker }) => worker),
    stop: async (how) => {
      stopped = true;
      const all = [...[...open.values()].map(({ worker }) => worker), ...closing];
      open.clear();
      await Promise.all(all.map((worker) => worker.stop(how)));
    },
  };
}
