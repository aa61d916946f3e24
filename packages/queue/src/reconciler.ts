import { jobIdOf, queueFor, queueOfSubscription } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import { createCopiesCarrier } from './copies-carrier.ts';
import type { QueueEngine } from './engine.ts';
import { createRevival } from './revival.ts';

const sequenceName = 'queue';
/** As many as expire in one commit. */
const expiredAtOnce = 500;

/**
 * Sees to it that every open message and copy of the windows has a job, whatever happened to the queue, and that
 * messages past their time end.
 *
 * Each second it compares a sequence kept in SQL and beside the jobs: a queue that is behind has lost its
 * memory, or is an older copy of itself, and all windows are checked at once. Slower, it walks over what
 * is overdue by `graceMs`, which finds single jobs that a crash kept from being added.
 */
export function startReconciler(options: {
  store: Store;
  engine: QueueEngine;
  log: Log;
  metrics: Metrics;
  everyMs?: number;
  overdueEveryMs?: number;
  graceMs?: number;
}): Repeating {
  const { store, engine, log, metrics, everyMs = 1000, overdueEveryMs = 5000, graceMs = 10_000 } = options;
  const carrier = createCopiesCarrier({ store, engine, log });
  const messages = createRevival({
    engine,
    overdue: ({ all, ...page }) => store.overdue({ ...page, all, graceMs: all ? 0 : graceMs }),
    jobOf: ({ id, generation, channel, lane }) => ({
      queue: queueFor(channel, lane),
      jobId: jobIdOf(id, generation),
    }),
    renew: async (ids) => {
      const renewed = await store.renewJobs(ids);
      await addJobs(engine, renewed);
      metrics.reenqueued.inc(renewed.length);
      log.warn({ count: renewed.length }, 'messages whose job was gone have a new one');
    },
  });
  const copies = createRevival({
    engine,
    overdue: ({ all, ...page }) => store.overdueCopies({ ...page, all, graceMs: all ? 0 : graceMs }),
    jobOf: ({ id, generation, subscriptionId }) => ({
      queue: queueOfSubscription(subscriptionId),
      jobId: jobIdOf(id, generation),
    }),
    renew: async (ids) => {
      const count = await carrier.add(await store.renewCopyJobs(ids));
      metrics.copiesReenqueued.inc(count);
      log.warn({ count }, 'copies whose job was gone have a new one');
    },
  });
  let nextWalk = 0;

  async function checkSequence(): Promise<void> {
    // SQL first: a queue read later is never behind because of another process' raise.
    const inStore = await store.readSequence(sequenceName);
    const inQueue = await engine.sequence.read();
    if (inQueue < inStore) {
      log.info({ inStore, inQueue }, 'the queue is empty or an older copy; checking the whole window');
      await messages.checkWindow();
      await copies.checkWindow();
      await engine.sequence.set(inStore);
    }
    await store.raiseSequence(sequenceName, await engine.sequence.raise());
  }

  async function expire(): Promise<void> {
    const ids = await store.findExpired(expiredAtOnce);
    if (ids.length > 0) await store.endUnsendable(ids);
  }

  return repeat({
    round: async () => {
      await expire();
      await engine.ping();
      await checkSequence();
      if (performance.now() >= nextWalk) {
        await messages.walkOverdue();
        await copies.walkOverdue();
        nextWalk = performance.now() + overdueEveryMs;
      }
      return everyMs;
    },
    onError: (err) => log.warn({ err }, 'the reconciler could not work; it tries again'),
    retryMs: Math.min(everyMs, 1000),
  });
}
