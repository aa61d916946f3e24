import type { CopyEntry, Store } from '@tidings/db';
import type { Log } from '@tidings/runtime';
import { addCopyJobs } from './add-copy-jobs.ts';
import type { QueueEngine } from './engine.ts';
import { lookaheadMs } from './relay.ts';

/** Brings copies from SQL into the queues of their consumers. */
export interface CopiesCarrier {
  /**
   * Adds the jobs of copies that are in the window already. Never rejects: what could not be added goes back to SQL.
   * Answers how many were added.
   */
  add(entries: CopyEntry[]): Promise<number>;
  /**
   * Lets due copies of one subscription in, the oldest first, or the next in order. Answers how many were added, and
   * never rejects either: the relay comes by again.
   */
  enter(subscriptionId: string, limit: number): Promise<number>;
}

export function createCopiesCarrier(options: {
  store: Pick<Store, 'enterCopyWindow' | 'leaveCopyWindow'>;
  engine: QueueEngine;
  log: Log;
}): CopiesCarrier {
  const { store, engine, log } = options;

  async function add(entries: CopyEntry[]): Promise<number> {
    if (entries.length === 0) return 0;
    const failures = await addCopyJobs(engine, entries);
    const left = failures.flatMap((failure) => failure.entries.map(({ id }) => id));
    for (const { entries: theirs, error } of failures) {
      log.warn(
        { err: error, subscription: theirs[0]?.subscriptionId, count: theirs.length },
        'jobs of copies could not be added; they wait in SQL',
      );
    }
    if (left.length > 0) await store.leaveCopyWindow(left).catch(leftToReconciler);
    return entries.length - left.length;
  }

  function leftToReconciler(err: unknown): void {
    log.warn({ err }, 'copies without a job could not go back to SQL; the reconciler finds them');
  }

  return {
    add,
    enter: async (subscriptionId, limit) => {
      try {
        return await add(await store.enterCopyWindow({ subscriptionId, lookaheadMs, limit }));
      } catch (err) {
        log.warn({ err, subscription: subscriptionId }, 'copies could not enter the queue of a consumer');
        return 0;
      }
    },
  };
}
