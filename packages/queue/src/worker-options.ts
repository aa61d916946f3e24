import { MetricsTime, type QueueOptions, type WorkerOptions } from 'bullmq';
import type { WorkerSettings } from './engine.ts';

/** BullMQ needs some number of tries; SQL decides when a message has had enough. */
const endlessAttempts = 1_000_000;

/**
 * Above any rate a queue reaches, and an `integer` for BullMQ's Postgres functions: `queue.rateLimit()` is
 * obeyed only by workers that have a limiter.
 */
const noLimitPerSecond = 1_000_000_000;

/** Ended jobs the queue keeps for an operator to look at: seconds and number. SQL remembers the rest. */
export const keepCompleted = { age: 3600, count: 1000 };
export const keepFailed = { age: 7 * 24 * 3600, count: 5000 };

/** What every queue has: jobs that go on until SQL ends them, with the waits of `WorkerSettings.backoff`. */
export const queueDefaults = {
  // Any name BullMQ does not know makes it ask the worker's backoff strategy.
  defaultJobOptions: { attempts: endlessAttempts, backoff: { type: 'tidings' }, stackTraceLimit: 0 },
  // Nothing reads the event stream: statuses come from SQL.
  streams: { events: { maxLen: 1000 } },
} satisfies Omit<QueueOptions, 'connection'>;

/** What every worker has, whatever the engine. A new worker does not run by itself. */
export function workerOptions(settings: WorkerSettings) {
  const { concurrency, perSecond, lockMs = 60_000, stalledMs = 15_000, backoff } = settings;
  return {
    autorun: false,
    concurrency,
    limiter: { max: perSecond ?? noLimitPerSecond, duration: 1000 },
    // While a queue is limited its delayed jobs are not promoted: look again each second.
    maximumRateLimitDelay: 1000,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    // The counter never goes down, and a deploy is no reason to fail a job.
    maxStalledCount: 1_000_000,
    // Seconds an idle worker sleeps before it looks again. A job that a limit put back wakes nobody, so the
    // default of 5 s would be added to every hold.
    drainDelay: 1,
    // The default of 15 s is what a worker slept through after Redis had come back.
    runRetryDelay: 1000,
    removeOnComplete: keepCompleted,
    removeOnFail: keepFailed,
    metrics: { maxDataPoints: MetricsTime.ONE_WEEK },
    settings: {
      backoffStrategy: (_attempts, _type, error) => backoff(error ?? new Error('failed without an error')),
    },
  } satisfies Omit<WorkerOptions, 'connection'>;
}
