import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisAvailable, startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
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
import { createRedisEngine } from './redis-engine.ts';

describe.skipIf(!redisAvailable)('Redis', () => {
  const start = (url: string) => createRedisEngine({ connection: url, description: 'test', log });
  let redis: TestRedis;
  let engine: QueueEngine;
  const work = workBench(() => engine);

  beforeAll(async () => {
    redis = await startRedis();
    engine = start(redis.url);
    await vi.waitFor(() => engine.ping(), quick);
  });
  afterAll(async () => {
    await engine.close();
    await redis.stop();
  });
  everyEngineKeepsTheContract(() => engine, work);

  it('loses the sequence with everything else', async () => {
    await engine.sequence.set(7);
    await redis.flush();
    expect(await engine.sequence.read()).toBe(0);
  });

  it('rejects adds within 2.5 s while Redis is away, and goes on within 5 s of its return', async () => {
    const seen: string[] = [];
    work('email', (job) => void seen.push(job.id ?? ''));
    await redis.kill();
    const awaySince = performance.now();
    while (performance.now() - awaySince < 3000) {
      const started = performance.now();
      await expect(engine.queue('email').add('email', data(1))).rejects.toThrow();
      await expect(engine.queue('push').addBulk([{ name: 'push', data: data(1) }])).rejects.toThrow();
      await expect(engine.ping()).rejects.toThrow();
      expect(performance.now() - started).toBeLessThan(2500);
      await nextTurn();
    }
    await redis.restart();
    const backSince = performance.now();
    await vi.waitFor(() => engine.queue('email').add('email', data(1), { jobId: 'after' }), quick);
    await vi.waitFor(() => expect(seen).toContain('after'), quick);
    expect(performance.now() - backSince).toBeLessThan(5000);
  });

  it('may be created while Redis is away: rejects at once, works when it is there', async () => {
    await redis.kill();
    const early = start(redis.url);
    const seen: string[] = [];
    const worker = early.worker('push', async (job) => void seen.push(job.id ?? ''), {
      concurrency: 1,
      backoff: () => 1000,
    });
    void worker.run();
    const started = performance.now();
    await expect(early.queue('push').add('push', data(1))).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(2500);
    await redis.restart();
    await vi.waitFor(() => early.queue('push').add('push', data(1), { jobId: 'early' }), quick);
    await vi.waitFor(() => expect(seen).toContain('early'), quick);
    await early.close();
    await vi.waitFor(() => engine.ping(), quick);
  });

  it.each(['idle', 'busy'])('closes quickly with Redis gone and a worker that is %s', async (state) => {
    const lost = start(redis.url);
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
    await redis.kill();
    const closing = performance.now();
    await lost.close();
    expect(performance.now() - closing).toBeLessThan(3000);
    await redis.restart();
    await vi.waitFor(() => engine.ping(), quick);
  });

  it('closes quickly when it never reached Redis', async () => {
    const never = start('redis://127.0.0.1:1');
    void never.worker('push', async () => {}, { concurrency: 1, backoff: () => 1 }).run();
    never.queue('push');
    const closing = performance.now();
    await never.close();
    expect(performance.now() - closing).toBeLessThan(3000);
  });

  it('a worker that is closed leaves no connection', () => closedWorkersLeaveNoConnection(engine));

  it('closes quickly, an idle worker included', () => closesQuickly(start(redis.url)));
});
