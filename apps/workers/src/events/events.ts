import type { Store } from '@tidings/db';
import { createCopiesCarrier, type Matches, type QueueEngine, startCopiesRelay } from '@tidings/queue';
import type { Log, Metrics, Repeating } from '@tidings/runtime';
import { createLeaseKeeper } from '../deliver/leases.ts';
import type { Watched } from '../watchdog.ts';
import type { WorkerTuning } from '../workers.ts';
import { createCopyProcessor } from './copy-processor.ts';
import type { CopySender, SentKind } from './copy-sender.ts';
import { createCopyWorkers } from './copy-workers.ts';

/** What of `WorkerTuning` concerns it. */
type EventsTuning = Pick<
  WorkerTuning,
  'leaseMs' | 'renewMs' | 'lockMs' | 'stalledMs' | 'concurrency' | 'copyWindow' | 'copyIdleMs'
>;

/** Fan-out and the consumers of kind `notify` and `webhook`, running. */
export interface Events {
  watched(): Watched[];
  /** No round of the relay begins any more. */
  stopRelay(): Promise<void>;
  /** Finishes what is in flight, within the deadline, and closes the senders. */
  stop(options: { deadlineMs: number; queueIsAway: boolean }): Promise<void>;
}

/** Starts what carries events to their consumers: the relay, and workers wherever it finds work. */
export function startEvents(options: {
  store: Store;
  engine: QueueEngine;
  matches: Matches;
  senders: Record<SentKind, CopySender>;
  owner: string;
  log: Log;
  metrics: Metrics;
  tuning?: EventsTuning;
}): Events {
  const { store, engine, matches, senders, owner, log, metrics, tuning = {} } = options;
  const { leaseMs = 60_000, renewMs = 20_000, lockMs, stalledMs, concurrency } = tuning;
  const leases = createLeaseKeeper({ renew: store.renewCopyLeases, log, leaseMs, everyMs: renewMs });
  const carrier = createCopiesCarrier({ store, engine, log });
  const workers = createCopyWorkers({
    engine,
    process: createCopyProcessor({
      store,
      senders,
      leases,
      owner,
      leaseMs,
      log,
      metrics,
      onNext: (subscriptionId) => carrier.enter(subscriptionId, 1),
    }),
    log,
    lockMs,
    stalledMs,
    concurrency,
    idleMs: tuning.copyIdleMs,
  });
  const relay: Repeating = startCopiesRelay({
    store,
    engine,
    log,
    metrics,
    matches,
    window: tuning.copyWindow,
    onStates: workers.follow,
  });
  return {
    watched: workers.watched,
    stopRelay: () => relay.stop(),
    stop: async (how) => {
      await relay.stop();
      await workers.stop(how);
      await leases.stop();
      await Promise.all(Object.values(senders).map((sender) => sender.close()));
    },
  };
}
