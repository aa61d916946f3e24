import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { expectHonestCopies } from '../support/honest-copies.ts';
import { postgresAvailable, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { allEnded } from '../support/send-many.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

/** One request of the load, as its sender saw it. */
interface Answer {
  key: string;
  status: number;
  retryAfter: string | null;
  code?: string;
  ids: string[];
  at: number;
}

describe.skipIf(!postgresAvailable || !redisAvailable)('Postgres goes away under load', () => {
  const cleanUp: Array<() => Promise<unknown> | unknown> = [];
  let server: TestPostgres;
  let sink: SmtpSink;
  let running: TestTidings;

  beforeEach(async () => {
    const dir = tempDir();
    server = await startPostgres();
    const redis = await startRedis();
    sink = await startSmtpSink({ acceptDelayMs: 20 });
    running = await startTidings({
      dataDir: dir.path,
      env: {
        DATABASE_URL: server.url(),
        REDIS_URL: redis.url,
        SMTP_URL: sink.url,
        EMAIL_FROM: 'hello@tidings.example',
      },
    });
    cleanUp.push(dir.remove, redis.stop, server.stop, sink.stop, running.stop);
  });
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  async function send(key: string): Promise<Answer> {
    const response = await fetch(`${running.url}/v1/notifications`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${running.apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({
        to: { email: `${key}@example.com` },
        content: { email: { subject: 'Hello', text: 'Hello' } },
      }),
    });
    const body = (await response.json()) as { code?: string; messages?: Array<{ id: string }> };
    return {
      key,
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      code: body.code,
      ids: (body.messages ?? []).map(({ id }) => id),
      at: performance.now(),
    };
  }

  /** Eight senders, one request each at a time, until told to stop. */
  function load() {
    const answers: Answer[] = [];
    let going = true;
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let number = 0; going; number += 1) answers.push(await send(`load-${sender}-${number}`));
    });
    return {
      answers,
      stop: async () => {
        going = false;
        await Promise.all(senders);
      },
    };
  }

  async function count(query: string): Promise<number> {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const { rows } = await client.query<{ count: string }>(query);
    await client.end();
    return Number(rows[0]?.count);
  }

  test.each([
    ['killed', 1],
    ['frozen', 12],
  ] as const)(
    '%s: 503 with Retry-After, no half rows, and it goes on by itself',
    async (how, seconds) => {
      const { answers, stop } = load();
      await sink.waitFor(100);
      const awayAt = performance.now();
      if (how === 'killed') await server.kill();
      else server.freeze();
      const refusedBefore = answers.length;
      await until(
        () => answers.slice(refusedBefore).filter(({ status }) => status === 503).length,
        (refused) => refused >= 8 && performance.now() - awayAt > seconds * 1000,
        40_000,
      );
      if (how === 'killed') await server.start();
      else server.thaw();
      const backAt = performance.now();
      const mailsBefore = sink.received.length;
      await until(
        () => answers.some(({ status, at }) => status === 202 && at > backAt),
        (again) => again,
      );
      expect(performance.now() - backAt).toBeLessThan(5000);
      await until(
        () => sink.received.length,
        (length) => length > mailsBefore,
      );
      expect(performance.now() - backAt).toBeLessThan(5000);
      await stop();

      // What was refused may have been stored: its sender asks again under the same key, and nobody gets two.
      const refused = answers.filter(({ status }) => status !== 202);
      for (const { status, code, retryAfter } of refused) {
        expect([status, code, Number(retryAfter)]).toEqual([503, 'unavailable', expect.any(Number)]);
        expect(Number(retryAfter)).toBeGreaterThan(0);
      }
      const again = await Promise.all(refused.map(({ key }) => send(key)));
      for (const { status } of again) expect(status).toBe(202);
      const ids = [...answers.filter(({ status }) => status === 202), ...again].flatMap(
        (answer) => answer.ids,
      );
      expect(new Set(ids).size).toBe(answers.length);
      await until(
        () => copiesByMessage(sink.received).size,
        (size) => size === ids.length,
        30_000,
      );
      await allEnded(running.tidings, 30_000);
      await expectHonestCopies(running.tidings, ids, sink.received);
      const halves = `SELECT count(*) FROM notifications n
      WHERE NOT EXISTS (SELECT FROM messages m WHERE m.notification_id = n.id)`;
      expect(await count(halves)).toBe(0);
      expect(await count('SELECT count(*) FROM notifications')).toBe(answers.length);
    },
    120_000,
  );
});
