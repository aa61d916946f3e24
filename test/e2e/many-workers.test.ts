import { createTidings, type Tidings } from '@tidings/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { enginesOf, enginesOfTests } from '../support/engines.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { allEnded, sendMany } from '../support/send-many.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const needsRedis = enginesOfTests !== 'postgres';

describe.skipIf(needsRedis && !redisAvailable)('one API and three worker processes on one queue', () => {
  const cleanUp: Array<() => Promise<unknown> | unknown> = [];
  let env: Record<string, string>;
  let sink: SmtpSink;
  let tidings: Tidings;
  let api: Child;
  let workers: Child[];
  let workerUrls: string[];

  beforeEach(async () => {
    const dir = tempDir();
    sink = await startSmtpSink();
    cleanUp.push(dir.remove, sink.stop);
    const engines = await enginesOf(dir.path);
    env = {
      DATA_DIR: dir.path,
      PORT: '0',
      WORKERS_PORT: '0',
      TIDINGS_API_KEY: apiKey,
      SMTP_URL: sink.url,
      EMAIL_FROM: 'hello@tidings.example',
      ...engines,
      ...(needsRedis && { REDIS_URL: await sharedRedis(engines.REDIS_URL) }),
    };
    api = start('api');
    workers = ['workers', 'workers', 'workers'].map(start);
    tidings = createTidings({ url: await urlOf(api), apiKey });
    workerUrls = await Promise.all(workers.map(urlOf));
  });
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  /** A queue inside a process is of no use to others. */
  async function sharedRedis(url: string): Promise<string> {
    if (url.startsWith('redis:')) return url;
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    return redis.url;
  }

  function start(role: string): Child {
    const child = startChild(['tidings.mjs', role], env);
    cleanUp.push(() => child.end());
    return child;
  }

  async function urlOf(child: Child): Promise<string> {
    const [, url = ''] = await child.printed(/"url":"(http:[^"]+)"/);
    return url;
  }

  async function sentBy(url: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^tidings_attempts_total\{.*outcome="sent".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  test('5,000 messages are delivered once each, and each process has its share', async () => {
    const ids = await sendMany(tidings, 5000);
    await until(
      () => copiesByMessage(sink.received).size,
      (size) => size === ids.length,
      50_000,
    );
    await allEnded(tidings, 10_000);
    expect([...copiesByMessage(sink.received).keys()].toSorted()).toEqual(ids.toSorted());
    expect(sink.received).toHaveLength(ids.length);
    const shares = await Promise.all(workerUrls.map(sentBy));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(ids.length);
    for (const share of shares) expect(share).toBeGreaterThan(0);
  }, 90_000);

  test('SIGTERM to a worker and to the API under load: both exit within 10 s, nothing is lost or doubled', async () => {
    const ids = await sendMany(tidings, 2000);
    await sink.waitFor(100, 30_000);
    const accepted: string[] = [];
    const senders = Array.from({ length: 8 }, async () => {
      // Until it is gone: what was answered counts.
      for (;;) {
        const sent = await sendMany(tidings, 1).catch(() => undefined);
        if (sent === undefined) return;
        accepted.push(...sent);
      }
    });
    await until(
      () => accepted.length,
      (count) => count > 50,
    );
    const asked = performance.now();
    expect(await Promise.all([workers[0]?.end('SIGTERM'), api.end('SIGTERM')])).toEqual([0, 0]);
    expect(performance.now() - asked).toBeLessThan(10_000);
    await Promise.all(senders);

    const all = [...ids, ...accepted].toSorted();
    await until(
      () => copiesByMessage(sink.received).size,
      (size) => size >= all.length,
      50_000,
    );
    await allEnded(createTidings({ url: await urlOf(start('api')), apiKey }), 10_000);
    expect([...copiesByMessage(sink.received).keys()].toSorted()).toEqual(all);
    expect(sink.received).toHaveLength(all.length);
  }, 90_000);
});
