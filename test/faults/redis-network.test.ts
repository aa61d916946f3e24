import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileSizeLimitAvailable, limitFileSize } from '../support/file-size-limit.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { startToxicProxy, type ToxicProxy } from '../support/toxic-proxy.ts';
import { until } from '../support/until.ts';
import { longTest, runsAll } from './all.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startLoad } from './load.ts';

vi.setConfig({ testTimeout: 180_000 });

/** The promise is five seconds; a machine that runs other tests meanwhile may take a little longer. */
const resumesWithinMs = 5000;
/** From the end of the fault until the last of the backlog has ended. */
const drainsWithinMs = 30_000;
/** An accept waits for SQL and nothing else. */
const acceptsWithinMs = 2000;

describe.skipIf(!redisAvailable)('Redis and the way to it', () => {
  const cleanUp: Array<() => Promise<unknown>> = [];
  let redis: TestRedis;
  let proxy: ToxicProxy;
  let sink: SmtpSink;
  let cluster: Cluster;

  async function start(args: string[] = []): Promise<void> {
    redis = await startRedis({ args });
    proxy = await startToxicProxy(redis.port);
    sink = await startSmtpSink();
    cluster = await openCluster({
      smtpUrl: sink.url,
      received: sink.received,
      redisUrl: `redis://127.0.0.1:${proxy.port}`,
    });
    cleanUp.push(redis.stop, proxy.stop, sink.stop, cluster.stop);
    await cluster.startApi();
    await cluster.startWorker();
  }
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  /**
   * Under load: everything is accepted while the fault lasts, mail goes out again within five seconds of its end,
   * and of every message there is one copy, for no fault of the queue puts a send in doubt.
   */
  async function survives(name: string, fault: () => Promise<unknown>, pauseMs = 25): Promise<void> {
    const load = startLoad(cluster.client, { pauseMs });
    await sink.waitFor(30, 30_000);
    const from = Date.now();
    await fault();
    const backAt = Date.now();
    cluster.note({ name, ambiguous: false, from, to: backAt });
    await until(
      () => sink.received.at(-1)?.at ?? 0,
      (at) => at > backAt,
      resumesWithinMs,
    );
    await load.stop();
    expect(load.answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(Math.max(...load.answers.map(({ tookMs }) => tookMs))).toBeLessThan(acceptsWithinMs);
    await cluster.expectInvariants({ drain: { from: backAt, withinMs: drainsWithinMs } });
    expect(sink.received).toHaveLength(load.answers.length);
  }

  describe('the network', () => {
    beforeEach(() => start());

    test('every connection reset, again and again, in the middle of scripts', () =>
      survives('resets', async () => {
        for (let round = 0; round < 10; round += 1) {
          proxy.poison({ cutAt: /evalsha/i });
          await delay(100);
          proxy.heal();
          proxy.reset();
          await delay(200);
        }
      }));

    test('connections cut in the middle of a command', () =>
      survives('cuts', async () => {
        proxy.poison({ cutAfterBytes: 3000 });
        await delay(3000);
        proxy.heal();
      }));

    longTest('a black hole of 8 s', () =>
      survives('black hole', async () => {
        proxy.poison({ blackHole: true });
        await delay(8000);
        proxy.heal();
      }),
    );

    longTest('200 ms of latency', () =>
      survives('latency', async () => {
        proxy.poison({ latencyMs: 200 });
        await delay(8000);
        proxy.heal();
      }),
    );

    longTest('octets that arrive in slices', () =>
      survives('slices', async () => {
        proxy.poison({ sliceBytes: 64, sliceDelayMs: 1 });
        await delay(4000);
        proxy.heal();
      }),
    );
  });

  describe('the server', () => {
    test('killed, and back empty after 1 s', async () => {
      await start();
      await survives('killed 1 s', async () => {
        await redis.kill();
        await delay(1000);
        await redis.restart();
      });
    });

    longTest('killed, and back empty after 7 s', async () => {
      await start();
      await survives('killed 7 s', async () => {
        await redis.kill();
        await delay(7000);
        await redis.restart();
      });
    });

    longTest(
      'killed, and back empty after two minutes',
      async () => {
        await start();
        const kill = async () => {
          await redis.kill();
          await delay(120_000);
          await redis.restart();
        };
        await survives('killed 120 s', kill, 100);
      },
      300_000,
    );

    longTest('stopped for 20 s', async () => {
      await start();
      await survives('stopped', async () => {
        redis.freeze();
        await delay(20_000);
        redis.thaw();
      });
    });

    test('out of memory with noeviction, until it has more', async () => {
      await start(['--maxmemory-policy', 'noeviction']);
      await survives('maxmemory', async () => {
        await redis.run('CONFIG', 'SET', 'maxmemory', '1mb');
        await delay(4000);
        await redis.run('CONFIG', 'SET', 'maxmemory', '0');
      });
    });

    test('replaced by an older copy of itself, whose jobs were done long ago', async () => {
      await start();
      await survives('older copy', async () => {
        await redis.run('SAVE');
        cpSync(join(redis.dir, 'dump.rdb'), join(redis.dir, 'older.rdb'));
        await delay(2000);
        await redis.kill();
        cpSync(join(redis.dir, 'older.rdb'), join(redis.dir, 'dump.rdb'));
        await redis.restart();
      });
    });

    test.skipIf(!runsAll || !fileSizeLimitAvailable)('its disk full, until there is room', async () => {
      await start(['--appendonly', 'yes']);
      await survives('disk full', async () => {
        limitFileSize(redis, 1000);
        const refusal = () => redis.run('SET', 'probe', '1').catch((error: Error) => error.message);
        await until(refusal, (said) => /MISCONF/.test(String(said)));
        await delay(5000);
        expect(await refusal()).toMatch(/MISCONF/);
        limitFileSize(redis, 'unlimited');
      });
    });

    longTest('its append-only file cut short', async () => {
      await start(['--appendonly', 'yes', '--appendfsync', 'no']);
      await survives('AOF cut', async () => {
        await redis.kill();
        const dir = join(redis.dir, 'appendonlydir');
        const [tail = ''] = readdirSync(dir).filter((name) => name.endsWith('.incr.aof'));
        truncateSync(join(dir, tail), Math.floor(statSync(join(dir, tail)).size / 2));
        await redis.restart();
      });
    });

    longTest('its directory gone', async () => {
      await start(['--appendonly', 'yes']);
      await survives('empty directory', async () => {
        await redis.kill();
        rmSync(join(redis.dir, 'appendonlydir'), { recursive: true });
        await redis.restart();
      });
    });
  });
});
