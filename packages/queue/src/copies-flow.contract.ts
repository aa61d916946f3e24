import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueOfSubscription } from '@tidings/contracts';
import {
  type CopyQueueState,
  createStore,
  type Database,
  openSqlite,
  type Store,
  type SubscriptionRow,
} from '@tidings/db';
import { createMetrics, type Repeating, silentLog } from '@tidings/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { addSubscription, changeSubscription, newEvent } from '../../db/src/copies.fixture.ts';
import {
  createCopiesCarrier,
  type Matches,
  type QueueEngine,
  startCopiesRelay,
  startReconciler,
} from './index.ts';

const log = silentLog();
const metrics = createMetrics();

/** How events come to the queues of their consumers, on every engine. */
export function copiesFlowContract(name: string, open: () => Promise<QueueEngine>): void {
  describe(`the flow of copies on ${name}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'tidings-copies-flow-'));
    let engine: QueueEngine;
    let database: Database;
    let store: Store;
    let loops: Repeating[] = [];
    let consumers: string[] = [];

    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => {
      await engine.close();
      rmSync(dir, { recursive: true });
    });
    beforeEach(async () => {
      database = openSqlite({ path: join(dir, `${performance.now()}.db`) });
      store = createStore(database);
      await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      loops = [];
      await wipe();
      consumers = [];
      await database.close();
    });

    async function wipe(): Promise<void> {
      for (const id of consumers) await engine.queue(queueOfSubscription(id)).obliterate({ force: true });
      await engine.sequence.set(0);
    }

    async function subscribe(of: Partial<SubscriptionRow> = {}): Promise<string> {
      const id = await addSubscription(database, 'prj_1', of);
      consumers.push(id);
      return id;
    }

    async function publish(count: number): Promise<void> {
      await store.publish(Array.from({ length: count }, () => newEvent('prj_1')));
    }

    function relay(
      options: {
        window?: number;
        of?: QueueEngine;
        matches?: Matches;
        onStates?: (s: CopyQueueState[]) => void;
      } = {},
    ) {
      const { window, of = engine, matches = () => true, onStates } = options;
      loops.push(
        startCopiesRelay({ store, engine: of, log, metrics, matches, window, idleMs: 20, onStates }),
      );
    }

    function reconcile(graceMs: number): void {
      loops.push(startReconciler({ store, engine, log, metrics, everyMs: 50, overdueEveryMs: 50, graceMs }));
    }

    async function jobsOf(id: string): Promise<string[]> {
      const jobs = await engine.queue(queueOfSubscription(id)).getJobs(['waiting', 'prioritized', 'delayed']);
      return jobs.map((job) => job.data.id);
    }

    const are = (count: number) => (ids: string[]) => ids.length === count;

    async function copiesOf(id: string) {
      const rows = await database.handle.select().from(database.tables.copies);
      return rows.filter(({ subscriptionId }) => subscriptionId === id);
    }

    /** Hands over what comes to the queue of a consumer, and answers the events in the order they were had. */
    function consume(id: string): { had: string[]; stop(): Promise<void> } {
      const had: string[] = [];
      const carrier = createCopiesCarrier({ store, engine, log });
      const worker = engine.worker(
        queueOfSubscription(id),
        async ({ data }) => {
          const token = `${Math.random()}`;
          const { claimed } = await store.claimCopies({ ids: [data.id], token, owner: 'w', leaseMs: 60_000 });
          for (const { copy, event, subscription } of claimed) {
            had.push(event.id);
            await store.settleCopies([
              {
                copyId: copy.id,
                token,
                worker: 'w',
                outcome: 'delivered',
                reason: null,
                code: null,
                response: null,
                verdict: { status: 'delivered' },
              },
            ]);
            if (subscription.ordered) await carrier.enter(id, 1);
          }
        },
        { concurrency: 5, backoff: () => 0 },
      );
      void worker.run();
      return { had, stop: () => worker.close() };
    }

    test('a project begins before those that have much are through, however many these are', async () => {
      const projects = Array.from({ length: 22 }, (_, number) => `prj_${number + 10}`);
      for (const id of projects) {
        await store.ensureProject({ id, key: id });
        await addSubscription(database, id, { status: 'paused' });
        await store.publish(Array.from({ length: 60 }, () => newEvent(id)));
      }
      const asked: string[] = [];
      relay({ matches: ({ projectId }) => asked.push(projectId) > 0 });
      await until(
        async () => asked.length,
        (count) => count >= 22 * 60,
      );
      const begun = projects.map((id) => asked.indexOf(id));
      const through = projects.map((id) => asked.lastIndexOf(id));
      expect(Math.max(...begun)).toBeLessThan(Math.min(...through));
    });

    test('each subscription has its own window: one that is full or paused holds no other', async () => {
      const full = await subscribe();
      const paused = await subscribe({ status: 'paused' });
      const lively = await subscribe();
      await publish(30);
      relay({ window: 10 });
      await until(() => jobsOf(full), are(10));
      const consumer = consume(lively);
      await until(() => consumer.had, are(30));
      await consumer.stop();
      expect(await jobsOf(full)).toHaveLength(10);
      expect(await jobsOf(paused)).toEqual([]);
      expect(await copiesOf(paused)).toHaveLength(30);
      await changeSubscription(database, paused, { status: 'active' });
      await until(() => jobsOf(paused), are(10));
    });

    test('while the queue is away copies are made, and enter it when it is back', async () => {
      const id = await subscribe();
      await publish(5);
      let isAway = true;
      relay({ of: sometimesAway(engine, () => isAway) });
      await until(() => copiesOf(id).then((copies) => copies.map((copy) => copy.id)), are(5));
      expect(await jobsOf(id)).toEqual([]);
      isAway = false;
      await until(() => jobsOf(id), are(5));
    });

    test('a subscription whose queue fails keeps no other out', async () => {
      const broken = await subscribe();
      const sound = await subscribe();
      let fails = true;
      relay({
        of: {
          ...engine,
          queue: (name) => {
            if (fails && name === queueOfSubscription(broken)) throw new Error('broken');
            return engine.queue(name);
          },
        },
      });
      await publish(5);
      await until(() => jobsOf(sound), are(5));
      expect(await jobsOf(broken)).toEqual([]);
      fails = false;
      await until(() => jobsOf(broken), are(5));
    });

    test('a copy whose job was never added, since the relay died before, gets one', async () => {
      const id = await subscribe();
      await publish(3);
      await store.fanOut({ rooms: new Map([[id, 3]]), matches: () => true });
      expect(await jobsOf(id)).toEqual([]);
      reconcile(0);
      await until(() => jobsOf(id), are(3));
    });

    test('a queue that lost its memory is noticed, and the windows of all consumers are whole again', async () => {
      const ids = [await subscribe(), await subscribe()];
      await publish(20);
      relay({ window: 10 });
      reconcile(3_600_000);
      for (const id of ids) await until(() => jobsOf(id), are(10));
      await until(
        () => store.readSequence('queue'),
        (value) => value > 1,
      );
      await wipe();
      for (const id of ids) await until(() => jobsOf(id), are(10));
      const all = ids.map(consume);
      for (const { had } of all) await until(() => had, are(20));
      await Promise.all(all.map(({ stop }) => stop()));
    });

    test('two relays and two reconcilers at once neither lose nor double a copy', async () => {
      const id = await subscribe();
      relay({ window: 20 });
      relay({ window: 20 });
      reconcile(0);
      reconcile(0);
      const consumer = consume(id);
      for (let more = 0; more < 5; more += 1) await publish(12);
      await until(() => consumer.had, are(60));
      await until(
        () => copiesOf(id),
        (copies) => copies.every(({ status }) => status === 'delivered'),
      );
      await consumer.stop();
      expect(new Set(consumer.had).size).toBe(60);
      expect(await copiesOf(id)).toHaveLength(60);
    });

    test('what a consumer that was removed left in its queue ends, with nobody to take it out', async () => {
      const id = await subscribe();
      await publish(30);
      relay({ window: 10 });
      await until(() => jobsOf(id), are(10));
      await changeSubscription(database, id, { removedAt: Date.now() });
      await until(
        () => copiesOf(id).then((copies) => copies.filter(({ reason }) => reason !== 'subscription_removed')),
        (left) => left.length === 0,
      );
    });

    test('an event that matching fails over in an unforeseen way stops nobody, and is seen', async () => {
      const broken = await subscribe();
      const sound = await subscribe();
      await publish(3);
      relay({
        matches: ({ id }) => {
          if (id === broken) throw new RangeError('Maximum call stack size exceeded');
          return true;
        },
      });
      await until(() => jobsOf(sound), are(3));
      for (const copy of await copiesOf(broken)) {
        expect(copy).toMatchObject({ status: 'failed', reason: 'filter_failed' });
      }
    });

    test('copies of an ordered subscription come one by one, in the order of the events', async () => {
      const id = await subscribe({ ordered: true });
      await publish(20);
      const seen: number[] = [];
      relay({
        onStates: (states) => seen.push(...states.map(({ inQueue }) => inQueue)),
      });
      const consumer = consume(id);
      await publish(20);
      await until(() => consumer.had, are(40));
      await consumer.stop();
      expect(consumer.had).toEqual(consumer.had.toSorted());
      expect(Math.max(...seen)).toBeLessThanOrEqual(1);
    });
  });
}

/** A queue whose server is away, as long as `isAway` says so. */
function sometimesAway(engine: QueueEngine, isAway: () => boolean): QueueEngine {
  return {
    ...engine,
    ping: async () => {
      if (isAway()) throw new Error('away');
      await engine.ping();
    },
  };
}
