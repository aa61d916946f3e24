import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobData, type Lane, type QueueName, queueNames } from '@tidings/contracts';
import {
  createStore,
  type Database,
  type MessageRow,
  openSqlite,
  type Settlement,
  type Store,
} from '@tidings/db';
import { createGroup, createMetrics, type Repeating, silentLog } from '@tidings/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import {
  addJobs,
  createFastPath,
  type QueueAdmission,
  type QueueEngine,
  startReconciler,
  startRelay,
} from './index.ts';

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
      for (const id of ['prj_2', 'prj_3']) await store.ensureProject({ id, key: id });
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
      options: { projectId?: string; lane?: Lane; place?: 'store' | 'queue'; dueAt?: number } = {},
    ): Promise<string[]> {
      const { projectId = 'prj_1', lane = 'normal', place = 'store', dueAt } = options;
      const expiresAt = Date.now() + 3_600_000;
      const items = Array.from({ length: count }, () => {
        made += 1;
        const id = `ntf_${String(made).padStart(6, '0')}`;
        return {
          notification: {
            id,
            projectId,
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
              projectId,
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
      for (let from = 0; from < count; from += 500) await store.accept(items.slice(from, from + 500));
      return items.flatMap(({ messages }) => messages.map(({ id }) => id));
    }

    async function jobsIn(name: 'email' | 'email-critical' = 'email'): Promise<string[]> {
      const jobs = await engine.queue(name).getJobs(['waiting', 'prioritized', 'delayed']);
      return jobs.map((job) => (job.data as JobData).id);
    }

    function relay(window?: number, admission?: QueueAdmission): void {
      loops.push(startRelay({ store, engine, log, metrics, window, idleMs: 20, admission }));
    }

    /** Delivers what comes to the queues, and answers the messages in the order they were taken up. */
    async function delivering<Answer>(
      names: QueueName[],
      concurrency: number,
      during: (order: string[]) => Promise<Answer>,
    ): Promise<Answer> {
      const order: string[] = [];
      const deliver = createGroup<string, boolean>({
        maxItems: 500,
        isOutage: store.isOutage,
        run: async (ids) => {
          const token = `${order.length} ${ids[0]}`;
          const { claimed } = await store.claim({ ids, token, owner: 'w', leaseMs: 60_000 });
          await store.settle(claimed.map(({ message }) => sent(message)));
          return ids.map(() => true);
        },
      });
      const workers = names.map((name) =>
        engine.worker(
          name,
          async ({ data: { id } }) => {
            order.push(id);
            await deliver(id);
          },
          { concurrency, backoff: () => 0 },
        ),
      );
      for (const worker of workers) void worker.run();
      return during(order).finally(() => Promise.all(workers.map((worker) => worker.close())));
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
        const states = await store.laneStates({ lookaheadMs: 0 });
        expect(states.find(({ channel, lane }) => channel === 'email' && lane === 'normal')).toMatchObject({
          inQueue: 10,
          projects: [{ inQueue: 10, backlog: true }],
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

    describe('between projects', () => {
      /** How many jobs each project has, by the ids of its messages. */
      async function countsOf(...projects: string[][]): Promise<number[]> {
        const ids = new Set(await jobsIn());
        return projects.map((theirs) => theirs.filter((id) => ids.has(id)).length);
      }
      const are = (wanted: number[]) => (counts: number[]) => `${counts}` === `${wanted}`;

      test('those that wait share the window and take turns; what one does not use is the others’', async () => {
        const ofA = await stored(30);
        const ofB = await stored(30, { projectId: 'prj_2' });
        const ofC = await stored(2, { projectId: 'prj_3' });
        relay(12);
        await until(() => countsOf(ofA, ofB, ofC), are([5, 5, 2]));
        await delivering(['email'], 1, async (order) => {
          await until(
            () => order.length,
            (length) => length >= 8,
          );
          const projects = [ofA, ofB, ofC];
          const turns = order.slice(0, 6).map((id) => projects.findIndex((ids) => ids.includes(id)));
          expect(turns).toEqual([0, 1, 2, 0, 1, 2]);
          const firstOfA = order.filter((id) => ofA.includes(id));
          expect(firstOfA).toEqual(ofA.slice(0, firstOfA.length));
        });
      });

      test('one that comes late is let in up to its share though another fills the window, and no further', async () => {
        const ofA = await stored(30);
        relay(12);
        await until(() => countsOf(ofA), are([12]));
        const ofB = await stored(30, { projectId: 'prj_2' });
        await until(() => countsOf(ofA, ofB), are([12, 6]));
        const ofC = await stored(30, { projectId: 'prj_3' });
        await until(() => countsOf(ofA, ofB, ofC), are([12, 6, 4]));
      });

      test('one has no more in the queue than it is admitted; of one that nobody would take nothing moves', async () => {
        const ofA = await stored(30);
        const ofB = await stored(30, { projectId: 'prj_2' });
        const ofC = await stored(30, { projectId: 'prj_3' });
        relay(20, ({ projectId }) => ({ prj_1: 0, prj_2: 3 })[projectId] ?? Number.POSITIVE_INFINITY);
        await until(() => countsOf(ofA, ofB, ofC), are([0, 3, 17]));
        const { message } = (await store.getMessage('prj_1', ofA[0] ?? '')) ?? {};
        expect(message).toMatchObject({ place: 'store', generation: 0 });
      });

      test('what is less urgent does not use up what a project is admitted', async () => {
        await stored(5, { lane: 'bulk' });
        relay(20, () => 3);
        await until(jobsIn, (ids) => ids.length === 3);
        const urgent = await stored(5, { lane: 'critical' });
        const admitted = await until(
          () => jobsIn('email-critical'),
          (ids) => ids.length === 3,
        );
        expect(admitted.toSorted()).toEqual(urgent.slice(0, 3));
        expect(await jobsIn()).toHaveLength(3);
      });

      test("ten messages do not wait for another project's twenty thousand", async () => {
        const ofA = new Set(await stored(20_000, { lane: 'bulk' }));
        relay();
        await until(jobsIn, (ids) => ids.length === 2000);
        const ofB = await stored(10, { projectId: 'prj_2', lane: 'bulk' });
        await delivering(['email'], 50, async (order) => {
          await until(
            () => ofB.every((id) => order.includes(id)),
            (all) => all,
          );
          const last = order.findLastIndex((id) => ofB.includes(id));
          expect(order.slice(0, last).filter((id) => ofA.has(id)).length).toBeLessThan(4000);
        });
      });

      test('a critical message passes a hundred thousand that are not', async () => {
        await stored(100_000, { lane: 'bulk' });
        relay();
        await delivering(['email', 'email-critical'], 50, async (order) => {
          await until(
            () => order.length,
            (length) => length > 100,
          );
          const before = order.length;
          const [critical = ''] = await stored(1, { lane: 'critical' });
          await until(
            () => order.includes(critical),
            (taken) => taken,
          );
          expect(order.indexOf(critical) - before).toBeLessThan(2000);
        });
      });
    });

    describe('the fast path', () => {
      test('a project has places though another fills the window, up to its share', async () => {
        await stored(6, { place: 'queue' });
        const fastPath = createFastPath({ store, engine, log, window: 6, refreshMs: 60_000 });
        const reserve = (projectId: string) =>
          fastPath.reserve({ projectId, channel: 'email', lane: 'normal' });
        await until(
          () => reserve('prj_2'),
          (given) => given,
        );
        const asked = ['prj_2', 'prj_2', 'prj_2', 'prj_1', 'prj_3', 'prj_3', 'prj_3'];
        expect(asked.map(reserve)).toEqual([true, true, false, false, true, true, false]);
        await fastPath.stop();
      });

      test("another project's backlog is nobody else's", async () => {
        await stored(1);
        const fastPath = createFastPath({ store, engine, log, window: 4, refreshMs: 60_000 });
        const reserve = (projectId: string) =>
          fastPath.reserve({ projectId, channel: 'email', lane: 'normal' });
        await until(
          () => reserve('prj_2'),
          (given) => given,
        );
        expect(reserve('prj_1')).toBe(false);
        await fastPath.stop();
      });

      test('it gives out no more places than the lane has, and none while a backlog waits', async () => {
        const fastPath = createFastPath({ store, engine, log, window: 3, refreshMs: 20 });
        await until(
          () => fastPath.reserve({ projectId: 'prj_1', channel: 'email', lane: 'normal' }),
          (given) => given,
        );
        await stored(1);
        await until(
          () => fastPath.reserve({ projectId: 'prj_1', channel: 'email', lane: 'normal' }),
          (given) => !given,
        );
        expect(fastPath.reserve({ projectId: 'prj_1', channel: 'push', lane: 'normal' })).toBe(true);
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
              await store.settle([sent(message)]);
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

/** How a claimed message ends that its provider took. */
function sent(message: MessageRow): Settlement {
  return {
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
  };
}

/** A queue behind a cut wire: the add neither succeeds nor fails. */
function neverAdding(queue: ReturnType<QueueEngine['queue']>): ReturnType<QueueEngine['queue']> {
  return new Proxy(queue, {
    get: (target, name) =>
      name === 'add' || name === 'addBulk' ? () => new Promise(() => {}) : Reflect.get(target, name),
  });
}
