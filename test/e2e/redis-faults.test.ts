import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { allEnded, sendMany } from '../support/send-many.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

describe.skipIf(!redisAvailable)('the queue is disposable', () => {
  let redis: TestRedis;
  let sink: SmtpSink;
  let running: TestTidings;
  let removeDir: () => void;

  beforeEach(async () => {
    redis = await startRedis();
    sink = await startSmtpSink({ acceptDelayMs: 20 });
    const dir = tempDir();
    removeDir = dir.remove;
    running = await startTidings({
      dataDir: dir.path,
      env: { REDIS_URL: redis.url, SMTP_URL: sink.url, EMAIL_FROM: 'hello@tidings.example' },
    });
  });
  afterEach(async () => {
    await running.stop();
    await sink.stop();
    await redis.stop();
    removeDir();
  });

  const arrived = (count: number, timeoutMs: number) =>
    until(
      () => copiesByMessage(sink.received).size,
      (size) => size === count,
      timeoutMs,
    );

  test('FLUSHALL with 1,000 queued: all 1,000 are delivered, once', async () => {
    const ids = await sendMany(running.tidings, 1000);
    expect(ids).toHaveLength(1000);
    await sink.waitFor(50);
    await redis.flush();
    await arrived(1000, 60_000);
    await allEnded(running.tidings, 30_000);
    expect(sink.received).toHaveLength(1000);
    expect([...copiesByMessage(sink.received).keys()].toSorted()).toEqual(ids.toSorted());
  });

  test('a Redis that was killed and comes back empty: all are delivered, once', async () => {
    const ids = await sendMany(running.tidings, 300);
    await sink.waitFor(50);
    await redis.kill();
    await redis.restart();
    await arrived(300, 60_000);
    await allEnded(running.tidings, 30_000);
    expect(sink.received).toHaveLength(ids.length);
  });

  test('Redis away for 20 s: sends are accepted at once, and delivered within 5 s of its return', async () => {
    await redis.kill();
    const downSince = performance.now();
    const waits: number[] = [];
    while (performance.now() - downSince < 20_000) {
      const startedAt = performance.now();
      await sendMany(running.tidings, 1);
      waits.push(performance.now() - startedAt);
      await until(
        () => performance.now() - startedAt,
        (passed) => passed > 500,
      );
    }
    expect(Math.max(...waits)).toBeLessThan(1000);
    expect(sink.received).toHaveLength(0);
    await redis.restart();
    const backAt = Date.now();
    await arrived(waits.length, 20_000);
    await allEnded(running.tidings, 30_000);
    expect((sink.received[0]?.at ?? Number.POSITIVE_INFINITY) - backAt).toBeLessThan(5000);
    expect(sink.received).toHaveLength(waits.length);
  }, 90_000);

  test('nothing personal enters the queue', async () => {
    await sendMany(running.tidings, 30);
    await sink.waitFor(30);
    await allEnded(running.tidings, 30_000);
    const gone = await running.tidings.notifications.send.mutate({
      to: { email: 'canary@example.com', name: 'Canary' },
      content: { email: { subject: '{% for i in (1..100000000) %}{{ secret }}{% endfor %}', text: 't' } },
      data: { secret: 'canary-secret' },
    });
    const message = await ended(running.tidings, gone.messages[0]?.id ?? '');
    expect(message.reason).toBe('render_failed');
    const everything = await redis.everything();
    expect(everything).toContain(message.id);
    for (const canary of ['canary', 'user1@', 'example.com', 'Hello'])
      expect(everything).not.toContain(canary);
  });

  test('with Redis away the API is ready but degraded, and says why', async () => {
    await redis.kill();
    const state = await until(
      async () => (await fetch(`${running.url}/ready`)).json() as Promise<{ status: string; checks: object }>,
      ({ status }) => status === 'degraded',
    );
    expect(state.checks).toMatchObject({ database: 'ok' });
    expect((await fetch(`${running.url}/ready`)).status).toBe(200);
  });
});
