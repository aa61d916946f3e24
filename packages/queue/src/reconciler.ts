import { jobIdOf, queueFor } from '@tidings/contracts';
import type { QueueEntry, Store, WindowCursor } from '@tidings/db';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import type { QueueEngine } from './engine.ts';

const sequenceName = 'queue';
const pageSize = 500;

/**
 * Sees to it that every open message of the window has a job, whatever happened to the queue, and that what
 * is past its time ends.
 *
 * Each second it compares a sequence kept in SQL and beside the jobs: a queue that is behind has lost its
 * memory, or is an older copy of itself, and the whole window is checked at once. Slower, it walks over what
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
  let cursor: WindowCursor | undefined;
  let nextWalk = 0;

  /** Gives those entries a new job whose job the queue no longer has. */
  async function revive(entries: QueueEntry[]): Promise<void> {
    const states = await Promise.all(
      entries.map(({ id, generation, channel, lane }) =>
        engine.queue(queueFor(channel, lane)).getJobState(jobIdOf(id, generation)),
      ),
    );
    const gone = entries.filter((_, index) => isGone(states[index]));
    if (gone.length === 0) return;
    const renewed = await store.renewJobs(gone.map(({ id }) => id));
    await addJobs(engine, renewed);
    metrics.reenqueued.inc(renewed.length);
    log.warn({ count: renewed.length }, 'messages whose job was gone have a new one');
  }

  async function checkSequence(): Promise<void> {
    // SQL first: a queue read later is never behind because of another process' raise.
    const inStore = await store.readSequence(sequenceName);
    const inQueue = await engine.sequence.read();
    if (inQueue < inStore) {
      log.info({ inStore, inQueue }, 'the queue is empty or an older copy; checking the whole window');
      await checkWindow();
      await engine.sequence.set(inStore);
    }
    await store.raiseSequence(sequenceName, await engine.sequence.raise());
  }

  async function checkWindow(): Promise<void> {
    let from: WindowCursor | undefined;
    do {
      const page = await store.overdue({ graceMs: 0, limit: pageSize, cursor: from, all: true });
      await revive(page);
      from = page.length < pageSize ? undefined : page.at(-1);
    } while (from !== undefined);
  }

  async function walkOverdue(): Promise<void> {
    const page = await store.overdue({ graceMs, limit: pageSize, cursor });
    await revive(page);
    cursor = page.length < pageSize ? undefined : page.at(-1);
  }

  async function expire(): Promise<void> {
    const ids = await store.findExpired(pageSize);
    if (ids.length > 0) await store.endUnsendable(ids);
  }

  return repeat({
    round: async () => {
      await expire();
      await engine.ping();
      await checkSequence();
      if (performance.now() >= nextWalk) {
        await walkOverdue();
        nextWalk = performance.now() + overdueEveryMs;
      }
      return everyMs;
    },
    onError: (err) => log.warn({ err }, 'the reconciler could not work; it tries again'),
    retryMs: Math.min(everyMs, 1000),
  });
}

/** A finished job does not run again, and an unknown one is not there: neither will move its message. */
function isGone(state: string | undefined): boolean {
  return state === 'unknown' || state === 'completed' || state === 'failed';
}
