import { createTidings } from '@tidings/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { enginesOf } from '../support/engines.ts';
import { expectHonestCopies } from '../support/honest-copies.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { allEnded, sendMany } from '../support/send-many.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings } from '../support/tidings.ts';

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const content = { email: { subject: 'Hello', text: 'Hello' } };

let cleanUp: Array<() => Promise<unknown> | unknown>;
let sink: SmtpSink;
let env: Record<string, string>;

beforeEach(async () => {
  sink = await startSmtpSink({ acceptDelayMs: 50 });
  const dir = tempDir();
  cleanUp = [dir.remove, sink.stop];
  env = {
    DATA_DIR: dir.path,
    PORT: '0',
    WORKERS_PORT: '0',
    TIDINGS_API_KEY: apiKey,
    SMTP_URL: sink.url,
    EMAIL_FROM: 'hello@tidings.example',
    ...(await enginesOf(dir.path)),
  };
});
afterEach(async () => {
  for (const undo of cleanUp.reverse()) await undo();
});

function start(role: string, more: Record<string, string> = {}): Child {
  const child = startChild(['tidings.mjs', role], { ...env, ...more });
  cleanUp.push(() => child.end());
  return child;
}

function startWorker(more: Record<string, string>): Child {
  const child = startChild(['test/support/worker-process.ts'], { ...env, ...more });
  cleanUp.push(() => child.end());
  return child;
}

async function clientOf(child: Child, pattern = /(http:\/\/127\.0\.0\.1:\d+)/) {
  const [, url = ''] = await child.printed(pattern);
  return createTidings({ url, apiKey });
}

describe('everything in one process', () => {
  test('SIGKILL in the middle: the next start delivers the rest, copies only of what was in hand', async () => {
    const first = start('start');
    const ids = await sendMany(await clientOf(first), 200);
    await sink.waitFor(30);
    await first.end('SIGKILL');
    const tidings = await clientOf(start('start'));
    // A queue that outlives us gives back what was in hand after lock and stalled interval: 75 s.
    await allEnded(tidings, 100_000);
    await expectHonestCopies(tidings, ids, sink.received);
  }, 130_000);

  test('SIGTERM in the middle: it exits by itself within 10 s, and nothing is lost or doubled', async () => {
    const first = start('start', { LOG_LEVEL: 'trace' });
    const ids = await sendMany(await clientOf(first), 200);
    await sink.waitFor(30);
    const asked = performance.now();
    expect(await first.end('SIGTERM')).toBe(0);
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(first.output(), 'nobody’s address in the log').not.toContain('@example.com');
    const tidings = await clientOf(start('start'));
    await allEnded(tidings, 60_000);
    expect([...copiesByMessage(sink.received).keys()].toSorted()).toEqual(ids.toSorted());
    expect(sink.received).toHaveLength(ids.length);
  });

  test('a second start on the same data directory is refused and told who holds it', async () => {
    const first = start('start');
    await first.printed(/running/);
    const second = start('start');
    await expect(second.printed(/running/)).rejects.toThrow(`process ${first.pid}`);
  });
});

describe('roles apart', () => {
  test('the API is killed right after its answer: the message is delivered after the restart', async () => {
    const api = start('api', { REDIS_URL: '' });
    const tidings = await clientOf(api);
    const key = { idempotencyKey: 'after-the-kill' };
    const request = { to: { email: 'ada@example.com' }, content, ...key };
    const answer = await tidings.notifications.send.mutate(request);
    await api.end('SIGKILL');
    const again = await startTidings({
      dataDir: env.DATA_DIR ?? '',
      env: { SMTP_URL: sink.url, EMAIL_FROM: 'hello@tidings.example', TIDINGS_API_KEY: apiKey },
    });
    cleanUp.push(again.stop);
    await sink.waitFor(1);
    expect(await again.tidings.notifications.send.mutate(request)).toEqual(answer);
    await allEnded(again.tidings, 20_000);
    expect(copiesByMessage(sink.received)).toEqual(new Map([[answer.messages[0]?.id, 1]]));
  });

  test.skipIf(!redisAvailable)(
    'a worker is killed in the middle: another takes over, copies only of what it had in hand',
    async () => {
      const redis = await startRedis();
      cleanUp.push(redis.stop);
      const tidings = await clientOf(start('api', { REDIS_URL: redis.url }));
      const victim = startWorker({ REDIS_URL: redis.url });
      const ids = await sendMany(tidings, 300);
      await sink.waitFor(50);
      await victim.end('SIGKILL');
      startWorker({ REDIS_URL: redis.url });
      await allEnded(tidings, 60_000);
      await expectHonestCopies(tidings, ids, sink.received);
    },
  );

  test.skipIf(!redisAvailable)('SIGTERM with Redis gone: the workers exit within 10 s', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const worker = start('workers', { REDIS_URL: redis.url });
    await worker.printed(/ready/);
    await redis.kill();
    const asked = performance.now();
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(performance.now() - asked).toBeLessThan(10_500);
  });
});
