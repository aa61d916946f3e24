import type { Database, Store } from '@tidings/db';
import type { DeliveryQueue, QueueEngine } from '@tidings/queue';
import type { Failpoint } from './failpoint.ts';

// Each moment of a kill is a seam between two parts, and parts are arguments: so the failpoints stand in
// wrappers around them, and the code that is shipped has none.

/** M1: after each statement of a commit, before it is committed. */
export function failingDatabase(database: Database, { pass }: Failpoint): Database {
  return {
    ...database,
    commit: (steps) =>
      database.commit(function* (handle) {
        const inner = steps(handle);
        let step = inner.next();
        while (!step.done) {
          const rows: unknown = yield step.value;
          pass('M1');
          step = inner.next(rows);
        }
        return step.value;
      }),
  };
}

/**
 * M2 after an accept, M5 before a claim, M6 after it, M9 before the outcome of a sent message or of a copy that was
 * delivered, M10 after it.
 */
export function failingStore(store: Store, { pass }: Failpoint): Store {
  return {
    ...store,
    accept: async (items) => {
      const results = await store.accept(items);
      pass('M2');
      return results;
    },
    claim: async (options) => {
      pass('M5');
      const result = await store.claim(options);
      if (result.claimed.length > 0) pass('M6');
      return result;
    },
    settle: async (settlements) => {
      const isSent = settlements.some(({ outcome }) => outcome === 'sent');
      if (isSent) pass('M9');
      const settled = await store.settle(settlements);
      if (isSent) pass('M10');
      return settled;
    },
    claimCopies: async (options) => {
      pass('M5');
      const result = await store.claimCopies(options);
      if (result.claimed.length > 0) pass('M6');
      return result;
    },
    settleCopies: async (settlements) => {
      const isDelivered = settlements.some(({ outcome }) => outcome === 'delivered');
      if (isDelivered) pass('M9');
      const settled = await store.settleCopies(settlements);
      if (isDelivered) pass('M10');
      return settled;
    },
  };
}

/** Long enough for an answer to go out, shorter than anybody waits for the queue. */
const answeredMs = 150;

/** M3 instead of adding jobs, once the client has its answer; M4 after they were added. */
export function failingEngine(engine: QueueEngine, failpoint: Failpoint): QueueEngine {
  const changed = new Set<DeliveryQueue>();

  async function around<Result>(add: () => Promise<Result>): Promise<Result> {
    if (failpoint.passSoon('M3', answeredMs)) return new Promise(() => {});
    const result = await add();
    failpoint.pass('M4');
    return result;
  }
  return {
    ...engine,
    queue: (name) => {
      const queue = engine.queue(name);
      if (changed.has(queue)) return queue;
      changed.add(queue);
      const add = queue.add.bind(queue);
      const addBulk = queue.addBulk.bind(queue);
      queue.add = (...job) => around(() => add(...job));
      queue.addBulk = (jobs) => around(() => addBulk(jobs));
      return queue;
    },
  };
}
