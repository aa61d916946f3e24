import { setImmediate as nextTurn } from 'node:timers/promises';
import { queueOfSubscription } from '@tidings/contracts';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  postgresAvailable,
  startPostgres,
  type TestPostgres,
} from '../../../test/support/postgres-server.ts';
import { queueSchema } from './bull-on-postgres.ts';
import {
  closedWorkersLeaveNoConnection,
  closesQuickly,
  data,
  everyEngineKeepsTheContract,
  log,
  quick,
  workBench,
} from './engine.contract.ts';
import type { QueueEngine } from './engine.ts';
import { createPostgresEngine } from './postgres-engine.ts';
import { keepCompleted } from './worker-options.ts';

const jobs = (count: number, prefix = 'j') =>
  Array.from({ length: count }, (_, index) => ({
    name: 'email',
    data: data(index),
    opts: { jobId: `${prefix}${index}`, priority: 2 },
  }));

describe.skipIf(!postgresAvailable)('Postgres', () => {
  const start = (url: string) => createPostgresEngine({ url, description: 'test', log, tidyEveryMs: 100 });
  let postgres: TestPostgres;
  let engine: QueueEngine;
  const work = workBench(() => engine);

  beforeAll(async () => {
    postgres = await startPostgres();
    engine = start(postgres.url());
    await engine.ping();
  });
  afterAll(async () => {
    await engine.close();
    await postgres.stop();
  });

  everyEngineKeepsTheContract(() => engine, work);

  /** One statement on the server, beside the engine. */
  async function sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    const { rows } = await client
      .query(`SET search_path TO ${queueSchema}; ${text}`)
      .then((all) => [all].flat().at(-1) ?? { rows: [] });
    await client.end();
    return rows;
  }

  describe('the sequence is lost with the jobs', () => {
    it.each([
      ['its schema is dropped', `DROP SCHEMA ${queueSchema} CASCADE`],
      ['the table of jobs is truncated', 'TRUNCATE job CASCADE'],
      ['all jobs are deleted', 'DELETE FROM job'],
    ])('when %s, and the engine goes on with an empty queue', async (_, wipe) => {
      await engine.queue('email').addBulk(jobs(3));
      await engine.sequence.set(7);
      await sql(wipe);
      expect(await engine.sequence.read()).toBe(0);
      expect(await engine.queue('email').getJobState('j0')).toBe('unknown');
      const seen: string[] = [];
      work('email', (job) => void seen.push(job.id ?? ''));
      await engine.queue('email').addBulk(jobs(1, 'after'));
      await vi.waitFor(() => expect(seen).toEqual(['after0']), quick);
    });

    it('when the server crashes, while a paused queue stays paused', async () => {
      await engine.queue('push').pause();
      await engine.sequence.set(7);
      await engine.queue('email').addBulk(jobs(3));
      await postgres.kill();
      await postgres.start();
      await vi.waitFor(() => engine.ping(), quick);
      expect(await engine.sequence.read()).toBe(0);
      expect(await engine.queue('email').getJobState('j0')).toBe('unknown');
      expect(await engine.queue('push').isPaused()).toBe(true);
      await engine.queue('push').resume();
    });
  });

  describe('an outage', () => {
    const faults = {
      killed: { begin: () => postgres.kill(), end: () => postgres.start() },
      frozen: { begin: async () => postgres.freeze(), end: async () => postgres.thaw() },
    };

    it.each(['killed', 'frozen'] as const)(
      'with the server %s, adds reject within 2.5 s, and work goes on within 5 s of its return',
      async (fault) => {
        const seen: string[] = [];
        work('email', (job) => void seen.push(job.id ?? ''));
        await engine.queue('email').addBulk(jobs(1, `${fault}-before`));
        await vi.waitFor(() => expect(seen).toContain(`${fault}-before0`), quick);
        await faults[fault].begin();
        const awaySince = performance.now();
        while (performance.now() - awaySince < 5000) {
          const started = performance.now();
          const tries = [
            engine.queue('email').add('email', data(1), { priority: 2 }),
            engine.queue('push').addBulk(jobs(2)),
            engine.ping(),
            engine.sequence.raise(),
          ];
          expect((await Promise.allSettled(tries)).map(({ status }) => status)).toEqual(
            tries.map(() => 'rejected'),
          );
          expect(performance.now() - started).toBeLessThan(2500);
          await nextTurn();
        }
        await faults[fault].end();
        const backSince = performance.now();
        await vi.waitFor(() => engine.queue('email').addBulk(jobs(1, `${fault}-after`)), quick);
        await vi.waitFor(() => expect(seen).toContain(`${fault}-after0`), quick);
        expect(performance.now() - backSince).toBeLessThan(5000);
      },
    );

    it('an idle worker whose connections were all ended is woken by the next add', async () => {
      let doneAt = 0;
      const worker = work('email', () => {
        doneAt = performance.now();
      });
      await new Promise((resolve) => worker.once('drained', () => resolve(undefined)));
      await sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
      );
      await vi.waitFor(async () => expect(await engine.queue('email').getWorkersCount()).toBe(1), quick);
      const addedAt = performance.now();
      await vi.waitFor(() => engine.queue('email').addBulk(jobs(1)), quick);
      await vi.waitFor(() => expect(doneAt).toBeGreaterThan(0), quick);
      expect(doneAt - addedAt).toBeLessThan(5000);
    });

    it('a job that ends while the server is away is completed when it is back', async () => {
      const gate = Promise.withResolvers<void>();
      let runs = 0;
      work('email', async () => {
        runs += 1;
        await gate.promise;
      });
      await engine.queue('email').addBulk(jobs(1));
      await vi.waitFor(() => expect(runs).toBe(1), quick);
      postgres.freeze();
      gate.resolve();
      await expect(engine.ping()).rejects.toThrow();
      postgres.thaw();
      await vi.waitFor(
        async () => expect(await engine.queue('email').getJobState('j0')).toBe('completed'),
        quick,
      );
      expect(runs).toBe(1);
    });

    it('the engine may be created while the server is away: rejects in time, works when it is there', async () => {
      await postgres.kill();
      const early = start(postgres.url());
      const seen: string[] = [];
      const worker = early.worker('push', async (job) => void seen.push(job.id ?? ''), {
        concurrency: 1,
        backoff: () => 1000,
      });
      void worker.run();
      const started = performance.now();
      await expect(early.queue('push').add('push', data(1))).rejects.toThrow();
      expect(performance.now() - started).toBeLessThan(2500);
      await postgres.start();
      await vi.waitFor(() => early.queue('push').add('push', data(1), { jobId: 'early' }), quick);
      await vi.waitFor(() => expect(seen).toContain('early'), quick);
      await early.close();
      await vi.waitFor(() => engine.ping(), quick);
    });

    it.each([
      ['killed', 'idle'],
      ['killed', 'busy'],
      ['frozen', 'idle'],
      ['frozen', 'busy'],
    ] as const)('closes quickly with the server %s and a worker that is %s', async (fault, state) => {
      const lost = start(postgres.url());
      await vi.waitFor(() => lost.ping(), quick);
      let started = 0;
      const worker = lost.worker(
        'push',
        () => {
          started++;
          return new Promise(() => {});
        },
        { concurrency: 2, backoff: () => 1000 },
      );
      worker.run().catch(() => {});
      await worker.waitUntilReady();
      if (state === 'busy') await lost.queue('push').add('push', data(1));
      if (state === 'busy') await vi.waitFor(() => expect(started).toBe(1), quick);
      await faults[fault].begin();
      const closing = performance.now();
      await lost.close();
      expect(performance.now() - closing).toBeLessThan(3500);
      await faults[fault].end();
      await vi.waitFor(() => engine.ping(), quick);
    });

    it('closes quickly when it never reached a server', async () => {
      const never = start('postgres://tidings@127.0.0.1:1/tidings');
      void never.worker('push', async () => {}, { concurrency: 1, backoff: () => 1 }).run();
      never.queue('push');
      const closing = performance.now();
      await never.close();
      expect(performance.now() - closing).toBeLessThan(3500);
    });
  });

  describe('several engines on one server', () => {
    it('may all be created at once on an empty database', async () => {
      const url = await postgres.createDatabase('many');
      const many = Array.from({ length: 8 }, () => start(url));
      await Promise.all(many.map((one, index) => one.queue('email').addBulk(jobs(10, `${index}-`))));
      const [first] = many;
      expect(await first?.queue('email').count()).toBe(80);
      await Promise.all(many.map((one) => one.close()));
    });

    it('share the work of one queue, each job run once', async () => {
      const other = start(postgres.url());
      const runs: string[][] = [[], []];
      work('email', (job) => void runs[0]?.push(job.id ?? ''), { concurrency: 4 });
      const worker = other.worker('email', async (job) => void runs[1]?.push(job.id ?? ''), {
        concurrency: 4,
        backoff: () => 1000,
      });
      void worker.run();
      await engine.queue('email').addBulk(jobs(500));
      await vi.waitFor(() => expect(runs.flat()).toHaveLength(500), quick);
      expect(new Set(runs.flat()).size).toBe(500);
      expect(runs.every((theirs) => theirs.length > 0)).toBe(true);
      await other.close();
    });

    it('add and work at the same time, and every job is done', async () => {
      const other = start(postgres.url());
      const count = 4000;
      const runs = new Map<string, number>();
      const run = async ({ id = '' }: { id?: string }) => void runs.set(id, (runs.get(id) ?? 0) + 1);
      work('email', run, { concurrency: 32 });
      void other.worker('email', run, { concurrency: 32, backoff: () => 10 }).run();
      const adders = [engine, other, engine, other].map(async (one, adder) => {
        const chunk = 50;
        for (let from = adder * 1000; from < (adder + 1) * 1000; from += chunk) {
          const some = Array.from({ length: chunk }, (_, index) => ({
            name: 'email',
            data: data(from + index),
            opts: { jobId: `both${from + index}`, priority: 1 + (index % 3) },
          }));
          // What the relay does when a try fails: the same jobs again.
          await vi.waitFor(() => one.queue('email').addBulk(some), quick);
        }
      });
      await Promise.all(adders);
      await vi.waitFor(() => expect(runs.size).toBe(count), { timeout: 40_000, interval: 20 });
      await other.close();
    });
  });

  it('a statement that a deadlock undid is tried again', async () => {
    await engine.sequence.set(1);
    await sql(`CREATE SEQUENCE public.tries;
      CREATE FUNCTION public.fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('public.tries') <= 2 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        RETURN new;
      END $$;
      CREATE TRIGGER fail_twice BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION public.fail_twice()`);
    await engine.queue('email').addBulk(jobs(1));
    await sql('DROP FUNCTION public.fail_twice CASCADE');
    expect(await sql('SELECT last_value::int FROM public.tries')).toEqual([{ last_value: 3 }]);
    expect(await engine.queue('email').count()).toBe(1);
  });

  it('keeps a thousand completed jobs of a queue and their events at most', async () => {
    const queue = engine.queue('email');
    work('email', () => {}, { concurrency: 50 });
    await queue.addBulk(jobs(1500));
    await vi.waitFor(async () => {
      expect(await queue.getJobState('j1499')).toBe('completed');
      expect(await queue.getJobCountByTypes('waiting', 'prioritized', 'active')).toBe(0);
      expect(await queue.getCompletedCount()).toBe(keepCompleted.count);
      expect(await queue.getJobState('j0')).toBe('unknown');
      const [{ events } = {}] = await sql('SELECT count(*)::int AS events FROM event');
      expect(events).toBeLessThanOrEqual(1100);
    }, quick);
  });

  it('does not look at the settings: the record on the same server does', async () => {
    expect(await engine.settingFaults()).toEqual([]);
  });

  const listening = async (database = new URL(postgres.url()).pathname.slice(1)) =>
    (
      await sql(`SELECT pid FROM pg_stat_activity
        WHERE datname = '${database}' AND query LIKE '%LISTEN bullmq_jobs%' AND pid <> pg_backend_pid()`)
    ).length;

  it('a worker that is closed leaves no connection', () => closedWorkersLeaveNoConnection(engine, listening));

  it('workers of a hundred consumers listen with one connection, and all are woken, also after it broke', async () => {
    const many = start(await postgres.createDatabase('consumers'));
    const consumers = Array.from({ length: 100 }, (_, index) => queueOfSubscription(`sub_${index}`));
    const seen = new Set<string>();
    for (const name of consumers) {
      const worker = many.worker(name, async (job) => void seen.add(job.queueName), {
        concurrency: 1,
        backoff: () => 1,
      });
      void worker.run();
    }
    const addToAll = async () => {
      seen.clear();
      for (const name of consumers) {
        await vi.waitFor(() => many.queue(name).add('copy', data(1), { priority: 2 }), quick);
      }
      await vi.waitFor(() => expect(seen.size).toBe(consumers.length), quick);
    };
    await addToAll();
    expect(await listening('consumers')).toBe(1);
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'consumers'`);
    await addToAll();
    await vi.waitFor(async () => expect(await listening('consumers')).toBe(1), quick);
    await many.close();
  });

  it('closes quickly, an idle worker included, and leaves no connection', async () => {
    const url = await postgres.createDatabase('closing');
    await closesQuickly(start(url));
    await vi.waitFor(
      async () => expect(await sql("SELECT pid FROM pg_stat_activity WHERE datname = 'closing'")).toEqual([]),
      quick,
    );
  });
});
