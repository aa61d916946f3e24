import { hostname } from 'node:os';
import { type Channel, type QueueName, queueNames } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type QueueEngine, startReconciler, startRelay } from '@tidings/queue';
import type { Config, Log, Metrics, Repeating } from '@tidings/runtime';
import { createTemplateEngine } from '@tidings/templates';
import { defaultRetryPolicy, type RetryPolicy } from './deliver/backoff.ts';
import { createDeciding } from './deliver/decide.ts';
import { createHold } from './deliver/hold.ts';
import { createLeaseKeeper, type LeaseKeeper } from './deliver/leases.ts';
import { createProcessor } from './deliver/processor.ts';
import { createRender } from './deliver/render.ts';
import { backoffOf } from './deliver/retry-later.ts';
import { createRules } from './deliver/rules.ts';
import { createUnsubscribing } from './deliver/unsubscribing.ts';
import { createQueueWorker, type QueueWorker } from './delivery-worker.ts';
import type { Provider } from './providers/provider.ts';
import { startUpkeep, type UpkeepTimes } from './upkeep/upkeep.ts';
import { startWatchdog } from './watchdog.ts';

/** What can be made shorter or smaller than in production. All times in milliseconds. */
export interface WorkerTuning {
  policy?: RetryPolicy;
  leaseMs?: number;
  renewMs?: number;
  lockMs?: number;
  stalledMs?: number;
  holdBaseMs?: number;
  holdCapMs?: number;
  window?: number;
  graceMs?: number;
  concurrency?: number;
  /** For how long the rules of projects are remembered. */
  rulesMs?: number;
  upkeep?: UpkeepTimes;
}

/** Jobs a process works on at once, by queue. Critical ones have theirs reserved. */
const concurrencyOf: Readonly<Record<QueueName, number>> = {
  email: 256,
  'email-critical': 16,
  push: 512,
  'push-critical': 16,
};

const stopMs = 7000;

/** Delivery, relay, reconciler and the record's upkeep as a part that can be started and stopped. */
export interface Workers {
  start(): void;
  /** Finishes what is in flight, within about eight seconds. */
  stop(): Promise<void>;
}

/**
 * Puts the workers together. Each queue has a provider of its own, so that slow bulk sends never hold the
 * connections that a critical message needs.
 */
export function createWorkers(options: {
  store: Store;
  engine: QueueEngine;
  providerFor: (queue: QueueName) => Provider;
  config: Pick<Config, 'EMAIL_RATE_LIMIT' | 'PUSH_RATE_LIMIT' | 'PUBLIC_URL'>;
  log: Log;
  metrics: Metrics;
  /** Who holds the leases; unique to this process. */
  owner?: string;
  tuning?: WorkerTuning;
}): Workers {
  const { store, engine, providerFor, config, log, metrics, tuning = {} } = options;
  const { owner = `${hostname()}:${process.pid}` } = options;
  const { leaseMs = 60_000, renewMs = 20_000, policy = defaultRetryPolicy } = tuning;
  const perSecond: Record<Channel, number | undefined> = {
    email: config.EMAIL_RATE_LIMIT,
    push: config.PUSH_RATE_LIMIT,
  };
  // Long enough that a pause of the machine loses no mail.
  const templates = createTemplateEngine({ renderLimitMs: 1000 });
  const rules = createRules({ store, rulesMs: tuning.rulesMs });
  const unsubscribeUrlOf = createUnsubscribing({ store, publicUrl: config.PUBLIC_URL, rules });
  const render = createRender({ store, templates, unsubscribeUrlOf });
  const deciding = createDeciding({ rules });
  let running:
    | { leases: LeaseKeeper; providers: Provider[]; workers: QueueWorker[]; loops: Repeating[] }
    | undefined;

  function start(): void {
    const leases = createLeaseKeeper({ store, log, leaseMs, everyMs: renewMs });
    const providers: Provider[] = [];
    const workers = queueNames.map((name) => {
      const provider = providerFor(name);
      providers.push(provider);
      const queue = engine.queue(name);
      const hold = createHold({
        queue,
        provider,
        log,
        baseMs: tuning.holdBaseMs,
        capMs: tuning.holdCapMs,
      });
      const worker = createQueueWorker({
        engine,
        name,
        process: createProcessor({
          store,
          queue,
          provider,
          render,
          hold,
          leases,
          deciding,
          policy,
          owner,
          leaseMs,
          log,
          metrics,
        }),
        settings: {
          concurrency: tuning.concurrency ?? concurrencyOf[name],
          perSecond: perSecond[name.startsWith('email') ? 'email' : 'push'],
          lockMs: tuning.lockMs,
          stalledMs: tuning.stalledMs,
          backoff: backoffOf,
        },
        log,
      });
      worker.start();
      return worker;
    });
    const shared = { store, engine, log, metrics };
    const loops = [
      startRelay({ ...shared, window: tuning.window }),
      startReconciler({ ...shared, graceMs: tuning.graceMs }),
      startWatchdog({ engine, watched: workers, log, metrics }),
      ...startUpkeep({ store, log, times: tuning.upkeep }),
    ];
    running = { leases, providers, workers, loops };
  }

  return {
    start,
    stop: async () => {
      if (running === undefined) return;
      const { leases, providers, workers, loops } = running;
      running = undefined;
      await Promise.all(loops.map((loop) => loop.stop()));
      const queueIsAway = await engine.ping().then(
        () => false,
        () => true,
      );
      await Promise.all(workers.map((worker) => worker.stop({ deadlineMs: stopMs, queueIsAway })));
      await leases.stop();
      await Promise.all(providers.map((provider) => provider.close()));
    },
  };
}
