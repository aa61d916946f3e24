import { hostname } from 'node:os';
import { type Channel, type QueueName, queueNames } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { matches } from '@tidings/events';
import { type QueueEngine, startReconciler, startRelay } from '@tidings/queue';
import { type Config, type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { createTemplateEngine } from '@tidings/templates';
import { defaultRetryPolicy, type RetryPolicy } from './deliver/backoff.ts';
import { createDeciding } from './deliver/decide.ts';
import { createLeaseKeeper, type LeaseKeeper } from './deliver/leases.ts';
import { createProcessor } from './deliver/processor.ts';
import { createRender } from './deliver/render.ts';
import { backoffOf } from './deliver/retry-later.ts';
import { createRules } from './deliver/rules.ts';
import { createUnsubscribing } from './deliver/unsubscribing.ts';
import { createQueueWorker, type QueueWorker } from './delivery-worker.ts';
import { type Events, startEvents } from './events/events.ts';
import { createSenders, type SenderConfig } from './events/senders.ts';
import { createRoutes, type ProviderFault, type Providers, type Routes } from './routes/routes.ts';
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
  /** Copies of a subscription in the queue at once. */
  copyWindow?: number;
  /** How long a worker of a subscription stays open without work. */
  copyIdleMs?: number;
  /** The wait after each failure of a webhook. */
  webhookDelaysMs?: readonly number[];
  /** For how long the rules and the routes of projects are remembered. */
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

/** Of a few that are unwell each is named; of hundreds the metrics tell. */
const faultsTold = 20;

/** Delivery, relay, reconciler and the record's upkeep as a part that can be started and stopped. */
export interface Workers {
  start(): void;
  /** Finishes what is in flight, within about eight seconds. */
  stop(): Promise<void>;
  /** What is to be told of providers that are not well, as this process finds them. */
  faults(): Record<string, string>;
}

/**
 * Puts the workers together. Each queue has connections of its own to a provider, so that slow bulk sends never hold
 * those that a critical message needs.
 */
export function createWorkers(options: {
  store: Store;
  engine: QueueEngine;
  providers: Providers;
  config: Pick<Config, 'EMAIL_RATE_LIMIT' | 'PUSH_RATE_LIMIT' | 'PUBLIC_URL'> & SenderConfig;
  log: Log;
  metrics: Metrics;
  /** Who holds the leases; unique to this process. */
  owner?: string;
  tuning?: WorkerTuning;
}): Workers {
  const { store, engine, providers, config, log, metrics, tuning = {} } = options;
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
  let running:
    | { leases: LeaseKeeper; routes: Routes; workers: QueueWorker[]; events: Events; loops: Repeating[] }
    | undefined;

  function start(): void {
    const leases = createLeaseKeeper({ renew: store.renewLeases, log, leaseMs, everyMs: renewMs });
    const routes = createRoutes({
      store,
      providers,
      log,
      routesMs: tuning.rulesMs,
      health: { baseMs: tuning.holdBaseMs, capMs: tuning.holdCapMs },
      onHealth: (provider, state, fault) => {
        if (state === 'closed') metrics.unwell.remove({ provider });
        else metrics.unwell.set({ provider }, 1);
        if (state === 'open') metrics.providerFaults.inc({ provider, reason: fault?.reason ?? 'unknown' });
      },
    });
    const deciding = createDeciding({ rules, routes });
    const workers = queueNames.map((name) => {
      const worker = createQueueWorker({
        engine,
        name,
        process: createProcessor({
          store,
          queue: name,
          routes,
          render,
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
    const { webhookDelaysMs } = tuning;
    const senders = createSenders({ ...shared, config, webhookDelaysMs });
    const events = startEvents({ ...shared, matches, senders, owner, tuning });
    const loops = [
      startRelay({ ...shared, window: tuning.window, admission: routes.room }),
      startReconciler({ ...shared, graceMs: tuning.graceMs }),
      startWatchdog({ engine, watched: () => [...workers, ...events.watched()], log, metrics }),
      keepRoutes(routes, tuning.rulesMs),
      ...startUpkeep({ store, log, times: tuning.upkeep }),
    ];
    running = { leases, routes, workers, events, loops };
  }

  /** Also where nothing is sent: a provider that was put right is not told of as unwell any more. */
  function keepRoutes(routes: Routes, everyMs = 5000): Repeating {
    return repeat({
      round: async () => {
        await routes.refresh();
        return Math.max(everyMs, 50);
      },
      onError: (err) => log.debug({ err }, 'the routes could not be read'),
      retryMs: 1000,
    });
  }

  return {
    start,
    stop: async () => {
      if (running === undefined) return;
      const { leases, routes, workers, events, loops } = running;
      running = undefined;
      await Promise.all([...loops.map((loop) => loop.stop()), events.stopRelay()]);
      const queueIsAway = await engine.ping().then(
        () => false,
        () => true,
      );
      const stopping = { deadlineMs: stopMs, queueIsAway };
      await Promise.all([...workers.map((worker) => worker.stop(stopping)), events.stop(stopping)]);
      await leases.stop();
      await routes.stop();
    },
    faults: () => Object.fromEntries((running?.routes.faults() ?? []).slice(0, faultsTold).map(told)),
  };
}

function told({ id, state, reason, code }: ProviderFault): [string, string] {
  return [`provider ${id}`, [`${state}:`, reason, code].filter(Boolean).join(' ')];
}
