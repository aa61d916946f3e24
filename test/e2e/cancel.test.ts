import { createTidings } from '@tidings/client';
import { afterEach, expect, test } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { enginesOf } from '../support/engines.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { allEnded, sendMany } from '../support/send-many.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended } from '../support/tidings.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';

test.skipIf(!redisAvailable)(
  'while workers are killed: who is told that it was canceled in time gets nothing, and everything ends',
  async () => {
    const dir = tempDir();
    const sink = await startSmtpSink({ acceptDelayMs: 40 });
    const redis = await startRedis();
    cleanUp.push(dir.remove, sink.stop, redis.stop);
    const env = {
      ...(await enginesOf(dir.path)),
      DATA_DIR: dir.path,
      PORT: '0',
      TIDINGS_API_KEY: apiKey,
      SMTP_URL: sink.url,
      SMTP_CONNECTIONS: '4',
      EMAIL_FROM: 'hello@tidings.example',
      REDIS_URL: redis.url,
      TEST_TUNING: JSON.stringify({ concurrency: 6 }),
    };
    const run = (args: string[]): Child => {
      const child = startChild(args, env);
      cleanUp.push(() => child.end());
      return child;
    };
    const startWorker = () => run(['test/support/worker-process.ts']);
    const [, url = ''] = await run(['tidings.mjs', 'api']).printed(/(http:\/\/127\.0\.0\.1:\d+)/);
    const tidings = createTidings({ url, apiKey });

    let worker = startWorker();
    const answers = new Map<string, string>();
    for (let round = 0; round < 4; round += 1) {
      const ids = await sendMany(tidings, 60);
      await sink.waitFor(sink.received.length + 8, 60_000);
      const canceling = ids.map(async (id) => {
        const { notificationId } = await tidings.messages.get.query({ id });
        const { messages } = await tidings.notifications.cancel.mutate({ id: notificationId });
        for (const message of messages) answers.set(message.id, message.result);
      });
      const dying = worker.end('SIGKILL');
      await Promise.all([...canceling, dying]);
      worker = startWorker();
    }
    await allEnded(tidings, 60_000);
    expect(answers.size).toBe(240);
    const copies = copiesByMessage(sink.received);
    const seen = new Set<string>();
    for (const [id, answer] of answers) {
      const { status, attempts } = await ended(tidings, id);
      const arrived = copies.get(id) ?? 0;
      seen.add(`${answer} ${status}`);
      if (answer === 'canceled') expect([id, status, arrived]).toEqual([id, 'canceled', 0]);
      // Asked to stop while it was being sent: it is told as what became of it, never as canceled when it arrived.
      if (status === 'canceled') expect([id, arrived]).toEqual([id, 0]);
      if (status === 'sent') expect([id, arrived]).toEqual([id, 1]);
      if (status === 'unknown') expect(attempts.at(-1)).toMatchObject({ outcome: 'lost' });
      expect(['canceled', 'sent', 'unknown']).toContain(status);
    }
    expect([...seen]).toEqual(expect.arrayContaining(['canceled canceled', 'too_late sent']));
    expect([...seen].some((one) => one.startsWith('pending'))).toBe(true);
  },
  120_000,
);
