import type { AnyQueueName } from '@tidings/contracts';
import type { QueueEngine } from '@tidings/queue';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { queueLabel } from './queue-label.ts';

/** A worker that can be replaced while its queue goes on. */
export interface Watched {
  name: AnyQueueName;
  /** Does it run as many jobs as it may? */
  isFull(): boolean;
  /** When a job last began or ended, by `performance.now()`. */
  lastMoved(): number;
  /** Starts a new worker and lets the old one go. */
  replace(): void;
}

/**
 * Replaces a worker that stands still although its queue has work for it: after an outage of Redis a
 * BullMQ worker may sleep on for many seconds, and neither `isRunning()` nor a ping shows it.
 */
export function startWatchdog(options: {
  engine: QueueEngine;
  /** Those that there are now. */
  watched: () => Watched[];
  log: Log;
  metrics: Metrics;
  everyMs?: number;
  /** How long a worker may stand still with work waiting. Milliseconds. */
  patienceMs?: number;
}): Repeating {
  const { engine, watched, log, metrics, everyMs = 1000, patienceMs = 2500 } = options;

  async function standsStill(one: Watched): Promise<boolean> {
    // One that is busy to the full with slow sends does not stand still.
    if (one.isFull() || performance.now() - one.lastMoved() < patienceMs) return false;
    const queue = engine.queue(one.name);
    const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
    if (waiting + prioritized === 0) return false;
    return !(await queue.isPaused()) && (await queue.getRateLimitTtl()) <= 0;
  }

  return repeat({
    round: async () => {
      await engine.ping();
      for (const one of watched()) {
        if (!(await standsStill(one))) continue;
        log.warn({ queue: one.name }, 'the worker stood still with work waiting; replacing it');
        metrics.workerRestarts.inc({ queue: queueLabel(one.name) });
        one.replace();
      }
      return everyMs;
    },
    onError: (err) => log.debug({ err }, 'the watchdog could not look at the queue'),
    retryMs: 500,
  });
}
