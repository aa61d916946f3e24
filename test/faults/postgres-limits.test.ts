import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { postgresAvailable, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { until } from '../support/until.ts';
import { runsAll } from './all.ts';
import { openCluster } from './cluster.ts';
import { startLoad } from './load.ts';

vi.setConfig({ testTimeout: 180_000 });

const resumesWithinMs = 5000;
/** A connection is waited for at most 5 s, a statement takes at most 5 s, and one group waits for another. */
const answersWithinMs = 16_000;

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** Under load: 503 with Retry-After in bounded time while it lasts, mail within five seconds of its end, one copy each. */
async function survives(
  server: TestPostgres,
  { name, env, fault }: { name: string; env?: Record<string, string>; fault: Fault },
): Promise<void> {
  const redis = await startRedis();
  const sink = await startSmtpSink({ acceptDelayMs: 20 });
  const cluster = await openCluster({
    smtpUrl: sink.url,
    received: sink.received,
    redisUrl: redis.url,
    databaseUrl: server.url(),
    answerWithinMs: 30_000,
    env,
  });
  cleanUp.push(redis.stop, sink.stop, cluster.stop);
  await cluster.startApi();
  await cluster.startWorker();
  const load = startLoad(cluster.client, { senders: 8, pauseMs: 50 });
  await sink.waitFor(50, 30_000);
  const from = Date.now();
  const refused = () => load.answers.filter(({ status, at }) => status !== 202 && at > from);
  await fault(() => refused().length);
  const backAt = Date.now();
  cluster.note({ name, ambiguous: false, from, to: backAt });
  await until(
    () => sink.received.at(-1)?.at ?? 0,
    (at) => at > backAt + 300,
    resumesWithinMs,
  );
  const slowest = Math.max(...load.answers.map(({ tookMs }) => tookMs));
  const faults = refused();
  await load.stop();
  for (const { status, retryAfter } of faults) {
    expect(status).toBe(503);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  }
  expect(slowest).toBeLessThan(answersWithinMs);
  const { copies } = await cluster.expectInvariants({ drain: { from: backAt, withinMs: 30_000 } });
  expect(copies).toHaveLength(load.answers.length);
  console.log(
    `${name}: ${load.answers.length} accepted, ${faults.length} refused at first, ${copies.length} copies, ` +
      `the slowest answer took ${Math.round(slowest)} ms`,
  );
}

/** Does it and undoes it; `refused` tells how many requests were refused so far. */
type Fault = (refused: () => number) => Promise<void>;

const isHere = runsAll && postgresAvailable && redisAvailable;

describe.skipIf(!isHere)('Postgres has no more to give', () => {
  test('every connection of a small pool waits for a lock that somebody else holds', async () => {
    const server = await startPostgres();
    cleanUp.push(server.stop);
    await survives(server, {
      name: 'pool exhausted',
      env: { DATABASE_POOL_SIZE: '2' },
      fault: async (refused) => {
        const holder = new pg.Client({ connectionString: server.url() });
        await holder.connect();
        await holder.query('BEGIN; LOCK TABLE notifications, messages, attempts, api_keys');
        await until(refused, (count) => count >= 16, 60_000);
        await delay(5000);
        await holder.query('COMMIT');
        await holder.end();
      },
    });
  });

  test('its disk is full, until there is room', async (context) => {
    const disk = mountSmallDisk(120);
    if (disk === undefined) return context.skip('mounting is not permitted here');
    cleanUp.push(disk.remove);
    const server = await startPostgres({ under: disk.path });
    cleanUp.push(server.stop);
    await survives(server, {
      name: 'disk full',
      fault: async (refused) => {
        disk.fill();
        await until(refused, (count) => count >= 16, 100_000);
        disk.empty();
        // It gives up when it cannot even write its log: then whoever keeps it starts it again.
        await server.kill();
        await server.start();
      },
    });
  });
});
