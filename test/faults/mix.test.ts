import { afterEach, describe, expect, test } from 'vitest';
import { enginesOfTests } from '../support/engines.ts';
import { postgresAvailable, startPostgres } from '../support/postgres-server.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { startToxicProxy } from '../support/toxic-proxy.ts';
import { openCluster } from './cluster.ts';
import { startLoad } from './load.ts';
import { carryOut, planFaults } from './mix.ts';

/** `npm run test:faults -- --seed 7 --minutes 5` sets these; `npm test` takes one short look of its own. */
const seed = Number(process.env.FAULTS_SEED || 20_260_101);
const totalMs = Number(process.env.FAULTS_MINUTES || 0.2) * 60_000;

/** Then it is one that may be killed, with a proxy before it. */
const onPostgres = enginesOfTests.endsWith('postgres') && postgresAvailable;

const cleanUp: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

describe('a plan of faults', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(planFaults(7, 60_000)).toEqual(planFaults(7, 60_000));
    expect(planFaults(7, 60_000)).not.toEqual(planFaults(8, 60_000));
  });

  test('has at least two at once', () => {
    const [first, second] = planFaults(7, 1000);
    expect(second?.atMs).toBeLessThan((first?.atMs ?? 0) + (first?.forMs ?? 0));
  });
});

test.skipIf(!redisAvailable)(
  `faults at random, two or more at once, seed ${seed}: every invariant holds`,
  async () => {
    const plan = planFaults(seed, totalMs, onPostgres);
    console.log(
      [`seed ${seed}`, ...plan.map((one) => `  ${one.atMs} ms: ${one.kind} for ${one.forMs} ms`)].join('\n'),
    );
    const redis = await startRedis();
    const redisProxy = await startToxicProxy(redis.port);
    const sink = await startSmtpSink({ acceptDelayMs: 20 });
    const mailProxy = await startToxicProxy(Number(new URL(sink.url).port));
    const postgres = onPostgres ? await startPostgres() : undefined;
    const postgresProxy = postgres && (await startToxicProxy(postgres.port));
    const cluster = await openCluster({
      smtpUrl: `smtp://127.0.0.1:${mailProxy.port}`,
      received: sink.received,
      redisUrl: `redis://127.0.0.1:${redisProxy.port}`,
      databaseUrl: postgres?.url().replace(`:${postgres.port}/`, `:${postgresProxy?.port}/`),
      recordUrl: postgres?.url(),
    });
    if (postgres && postgresProxy) cleanUp.push(postgres.stop, postgresProxy.stop);
    cleanUp.push(redis.stop, redisProxy.stop, sink.stop, mailProxy.stop, cluster.stop);
    const workers = [await cluster.startWorker(), await cluster.startWorker()];
    const api = await cluster.startApi();
    const targets = { cluster, api, workers, redis, redisProxy, mailProxy, postgres, postgresProxy };
    const load = startLoad(cluster.client);
    await carryOut(plan, targets);
    const from = Date.now();
    await load.stop();
    const askedUntil = Date.now();
    // What could not go out meanwhile is as much as the faults were long.
    const withinMs = 60_000 + totalMs;
    const { record, copies } = await cluster.expectInvariants({
      timeoutMs: withinMs + 10_000,
      drain: { from, withinMs },
    });
    const lastAt = Math.max(...record.messages.map(({ endedAt }) => endedAt ?? 0));
    console.log(
      `seed ${seed}: ${plan.length} faults, ${load.answers.length} keys, ${record.messages.length} accepted, ` +
        `${JSON.stringify(record.counts)}, ${copies.length} copies, ` +
        `the last ended ${lastAt - from} ms after the faults, ${lastAt - askedUntil} ms after the last request`,
    );
  },
  3 * totalMs + 300_000,
);
