import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Child } from '../support/child.ts';
import { enginesOfTests } from '../support/engines.ts';
import { postgresAvailable, startPostgres } from '../support/postgres-server.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { until } from '../support/until.ts';
import { runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startLoad } from './load.ts';
import { freshKeys } from './recording-client.ts';

vi.setConfig({ testTimeout: 120_000 });

const deadlineMs = 10_000;

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

type Where = Pick<Parameters<typeof openCluster>[0], 'redisUrl' | 'databaseUrl' | 'shared'>;

async function open(where: Where): Promise<{ cluster: Cluster; sink: SmtpSink }> {
  const sink = await startSmtpSink({ acceptDelayMs: 50 });
  const cluster = await openCluster({ smtpUrl: sink.url, received: sink.received, ...where });
  cleanUp.push(sink.stop, cluster.stop);
  return { cluster, sink };
}

/** SIGTERM, and how long it took to the exit. */
async function terminate(child: Child): Promise<{ code: number | null; tookMs: number }> {
  const from = performance.now();
  const code = await child.end('SIGTERM');
  expect(child.output()).not.toMatch(/unhandled|uncaught/i);
  return { code, tookMs: performance.now() - from };
}

describe.skipIf(!runsAll)('SIGTERM twice, under load', () => {
  test('a worker: it is gone at once, and copies are only of what it had in hand', async () => {
    const { cluster, sink } = await open({ shared: true });
    await cluster.startApi();
    const worker = await cluster.startWorker();
    for (const key of freshKeys(200)) await cluster.client.sendSurely(key);
    await sink.waitFor(20);
    const from = Date.now();
    worker.signal('SIGTERM');
    await worker.printed(/"msg":"stopping"/);
    const { code, tookMs } = await terminate(worker);
    // It may have finished with the first.
    expect([0, 1]).toContain(code);
    expect(tookMs).toBeLessThan(2000);
    cluster.note({ name: 'SIGTERM twice', ambiguous: true, from: from - 1000 });
    await cluster.startWorker();
    const { record } = await cluster.expectInvariants();
    expect(record.counts).toEqual({ sent: 200 });
  });

  test('an API: whoever had an answer has his message', async () => {
    const { cluster } = await open({ shared: true });
    const api = await cluster.startApi();
    const load = startLoad(cluster.client, { senders: 8, pauseMs: 1 });
    await until(
      () => load.answers.length,
      (count) => count > 200,
    );
    api.signal('SIGTERM');
    await api.printed(/"msg":"stopping"/);
    const { code, tookMs } = await terminate(api);
    expect([0, 1]).toContain(code);
    expect(tookMs).toBeLessThan(2000);
    await cluster.startApi();
    await cluster.startWorker();
    await load.stop();
    const { copies } = await cluster.expectInvariants();
    expect(copies).toHaveLength(load.answers.length);
  });
});

const hasRedis = redisAvailable && enginesOfTests !== 'postgres';

test.skipIf(!runsAll || !hasRedis)(
  'SIGTERM with Redis gone, under load: API and worker exit in time, what was in hand is sent and recorded',
  async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const { cluster, sink } = await open({ redisUrl: redis.url });
    const api = await cluster.startApi();
    const worker = await cluster.startWorker();
    const load = startLoad(cluster.client);
    await sink.waitFor(50);
    await redis.kill();
    const ended = await Promise.all([terminate(api), terminate(worker)]);
    for (const { code, tookMs } of ended) {
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(deadlineMs);
    }
    await redis.restart();
    await cluster.startApi();
    await cluster.startWorker();
    await load.stop();
    const { copies } = await cluster.expectInvariants();
    expect(copies).toHaveLength(load.answers.length);
  },
);

test.skipIf(!runsAll || !redisAvailable || !postgresAvailable).each(['killed', 'frozen'] as const)(
  'SIGTERM with Postgres %s, under load: API and worker exit in time, copies are only of what was in hand',
  async (how) => {
    const server = await startPostgres();
    const redis = await startRedis();
    cleanUp.push(server.stop, redis.stop);
    const { cluster, sink } = await open({ redisUrl: redis.url, databaseUrl: server.url() });
    const api = await cluster.startApi();
    const worker = await cluster.startWorker();
    const load = startLoad(cluster.client);
    await sink.waitFor(50);
    const from = Date.now();
    if (how === 'killed') await server.kill();
    else server.freeze();
    const ended = await Promise.all([terminate(api), terminate(worker)]);
    for (const { code, tookMs } of ended) {
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(deadlineMs);
    }
    cluster.note({ name: `Postgres ${how}, then SIGTERM`, ambiguous: true, from: from - 1000 });
    if (how === 'killed') await server.start();
    else server.thaw();
    await cluster.startApi();
    await cluster.startWorker();
    await load.stop();
    const { copies } = await cluster.expectInvariants();
    expect(copies.length).toBeGreaterThanOrEqual(load.answers.length);
    console.log(`Postgres ${how}: ${load.answers.length} accepted, ${copies.length} copies`);
  },
);
