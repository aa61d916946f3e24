import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobData, type Lane, queueNames } from '@tidings/contracts';
import { createStore, type Database, openSqlite, type Store } from '@tidings/db';
import { createMetrics, type Repeating, silentLog } from '@tidings/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { addJobs, createFastPath, type QueueEngine, startReconciler, startRelay } from './index.ts';

const log = silentLog();
const metrics = createMetrics();

/** What window, fast path, relay and reconciler must do on every engine. */
export function flowContract(name: string, open: () => Promise<QueueEngine>): void {
  describe(`the flow on ${name}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'tidings-flow-'));
    let engine: QueueEngine;
    let database: Database;
    let store: Store;
    let loops: Repeating[] = [];
    let made = 0;

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
      for (const name of queueNames) await engine.queue(name).obliterate({ force: true });
      await engine.sequence.set(0);
      await database.close();
    });

    /** Stores `count` messages and answers their ids, in the order they are due. */
    async function stored(
      count: number,
      options: { lane?: Lane; place?: 'store' | 'queue'; dueAt?: number } = {},
    ): Promise<string[]> {
      const { lane = 'normal', place = 'store', dueAt } = options;
      const expiresAt = Date.now() + 3_600_000;
      const items = Array.from({ length: count }, () => {
        made += 1;
        const id = `ntf_${String(made).padStart(6, '0')}`;
        return {
          notification: {
            id,
            projectId: 'prj_1',
            data: {},
            metadata: {},
            lane,
            expiresAt,
            answer: { id, status: 'accepted' as const, messages: [] },
          },
          messages: [
            {
              id: `msg_${String(made).padStart(6, '0')}`,
              notificationId: id,
              projectId: 'prj_1',
              channel: 'email' as const,
              lane,
              status: 'queued' as const,
              address: 'ada@example.com',
              onAmbiguous: 'resend' as const,
              place,
              expiresAt,
              dueAt,
            },
          ],
        };
      });
      await store.accept(items);
      return items.flatMap(({ messages }) => messages.map(({ id }) => id));
    }

    async function jobsIn(name: 'email' | 'email-critical' = 'email'): Promise<string[]> {
      const jobs = await engine.queue(name).getJobs(['waiting', 'prioritized', 'delayed']);
      return jobs.map((job) => (job.data as JobData).id);
    }

    function relay(window: number): void {
      loops.push(startRelay({ store, engine, log, metrics, window, idleMs: 20 }));
    }

    function reconcile(graceMs: number): void {
      loops.push(startReconciler({ store, engine, log, metrics, everyMs: 50, overdueEveryMs: 50, graceMs }));
    }

    describe('the window', () => {
      test('a backlog of any size leaves at most a window of jobs in the queue', async () => {
        await stored(50);
        await stored(3, { lane: 'critical' });
        relay(10);
        await until(jobsIn, (ids) => ids.length === 10);
        await until(
          () => jobsIn('email-critical'),
          (ids) => ids.length === 3,
        );
        const states = await store.laneStates(0);
        expect(states.find(({ channel, lane }) => channel === 'email' && lane === 'normal')).toMatchObject({
          inQueue: 10,
          backlog: true,
        });
        expect(await jobsIn()).toHaveLength(10);
      });

      test('what is due first goes first, and lanes of one queue run by priority', async () => {
        const bulk = await stored(1, { lane: 'bulk' });
        const high = await stored(1, { lane: 'high' });
        relay(10);
        await until(jobsIn, (ids) => ids.length === 2);
        const order: string[] = [];
        const worker = engine.worker('email', async (job) => void order.push(job.data.id), {
          concurrency: 1,
          backoff: () => 0,
        });
        void worker.run();
        await until(
          () => order.length,
          (length) => length === 2,
        );
        await worker.close();
        expect(order).toEqual([...high, ...bulk]);
      });

      test('what is due later stays in SQL until then', async () => {
        const dueAt = Date.now() + 2500;
        await stored(1, { dueAt });
        relay(10);
        await until(jobsIn, (ids) => ids.length === 1);
        expect(Date.now()).toBeGreaterThan(dueAt - 1500);
      });
    });

    describe('the fast path', () => {
      test('it gives out no more places than the lane has, and none while a backlog waits', async () => {
        const fastPath = createFastPath({ store, engine, log, window: 3, refreshMs: 20 });
        await until(
          () => fastPath.reserve('email', 'normal'),
          (given) => given,
        );
        await stored(1);
        await until(
          () => fastPath.reserve('email', 'normal'),
          (given) => !given,
        );
        expect(fastPath.reserve('push', 'normal')).toBe(true);
        await fastPath.stop();
      });

      test('jobs that cannot be added go back to SQL for the relay', async () => {
        const deaf: QueueEngine = { ...engine, queue: () => neverAdding(engine.queue('email')) };
        const fastPath = createFastPath({ store, engine: deaf, log, addTimeoutMs: 20 });
        const [id = ''] = await stored(1, { place: 'queue' });
        await fastPath.enqueue([{ id, generation: 0, channel: 'email', lane: 'normal', delayMs: 0 }]);
        await fastPath.stop();
        relay(10);
        expect(await until(jobsIn, (ids) => ids.length > 0)).toEqual([id]);
      });
    });

    describe('the reconciler', () => {
      test('a message whose job was never added gets one when it is overdue', async () => {
        const ids = await stored(3, { place: 'queue' });
        reconcile(200);
        expect((await until(jobsIn, (found) => found.length === 3)).toSorted()).toEqual(ids);
      });

      test('a job that is alive is left alone however long it waits', async () => {
        await stored(3, { place: 'store' });
        relay(10);
        await until(jobsIn, (found) => found.length === 3);
        reconcile(0);
        const before = await engine.sequence.read();
        await until(
          () => engine.sequence.read(),
          (value) => value > before + 5,
        );
        expect(await jobsIn()).toHaveLength(3);
      });

      test('a job that ended without moving its message is replaced', async () => {
        const ids = await stored(2, { place: 'queue' });
        await addJobs(
          engine,
          ids.map((id) => ({ id, generation: 0, channel: 'email', lane: 'normal', delayMs: 0 })),
        );
        const worker = engine.worker('email', async () => {}, { concurrency: 1, backoff: () => 0 });
        void worker.run();
        await until(
          () => engine.queue('email').getCompletedCount(),
          (count) => count === 2,
        );
        await worker.close();
        reconcile(0);
        expect((await until(jobsIn, (found) => found.length === 2)).toSorted()).toEqual(ids);
      });

      test('a queue that lost its memory is noticed by its sequence, without waiting for anything to be overdue', async () => {
        await stored(5);
        relay(10);
        reconcile(3_600_000);
        await until(jobsIn, (found) => found.length === 5);
        await until(
          () => store.readSequence('queue'),
          (value) => value > 1,
        );
        for (const name of queueNames) await engine.queue(name).obliterate({ force: true });
        await engine.sequence.set(0);
        await until(jobsIn, (found) => found.length === 5);
      });

      test('what is past its time ends as expired', async () => {
        const [id = ''] = await stored(1);
        await database.handle
          .update(database.tables.messages)
          .set({ expiresAt: Date.now() - 1000 })
          .returning();
        reconcile(3_600_000);
        const found = await until(
          () => store.getMessage('prj_1', id),
          (message) => message?.message.status === 'expired',
        );
        expect(found?.message.reason).toBe('expired');
      });

      test('two reconcilers and two relays make no message run twice', async () => {
        const ids = await stored(100);
        relay(20);
        relay(20);
        reconcile(0);
        reconcile(0);
        const runs = new Map<string, number>();
        const worker = engine.worker(
          'email',
          async (job) => {
            const { claimed } = await store.claim({
              ids: [job.data.id],
              token: `${Math.random()}`,
              owner: 'w',
              leaseMs: 60_000,
            });
            for (const { message } of claimed) {
              runs.set(message.id, (runs.get(message.id) ?? 0) + 1);
              await store.settle([
                {
                  messageId: message.id,
                  token: message.leaseToken ?? '',
                  attempt: message.attempt,
                  generation: message.generation,
                  worker: 'w',
                  outcome: 'sent',
                  reason: null,
                  provider: 'test',
                  code: null,
                  response: null,
                  verdict: { status: 'sent' },
                },
              ]);
            }
          },
          { concurrency: 5, backoff: () => 0 },
        );
        void worker.run();
        await until(
          () => runs.size,
          (size) => size === 100,
        );
        await worker.close();
        expect([...runs.keys()].toSorted()).toEqual(ids.toSorted());
        expect(Math.max(...runs.values())).toBe(1);
      });
    });
  });
}

/** A queue behind a cut wire: the add neither succeeds nor fails. */
function neverAdding(queue: ReturnType<QueueEngine['queue']>): ReturnType<QueueEngine['queue']> {
  return new Proxy(queue, {
    get: (target, name) =>
      name === 'add' || name === 'addBulk' ? () => new Promise(() => {}) : Reflect.get(target, name),
  });
}
