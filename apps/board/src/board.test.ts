import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { jobIdOf, queueNames } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../../../test/support/board.ts';
import { redisAvailable, startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
import { until } from '../../../test/support/until.ts';

const staticDir = join(
  dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json')),
  'dist/static',
);
const files = readdirSync(staticDir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(staticDir.length + 1));

const jobId = jobIdOf('msg_1', 0);
const fill = (route: string) =>
  `/board${route
    .replace(':queueName', 'email')
    .replace(':jobId', jobId)
    .replace(':queueStatus', 'delayed')
    .replaceAll(/:\w+/g, 'some')}`;
const routes = appRoutes.api.flatMap(({ method, route }) =>
  [route]
    .flat()
    .map((one) => ({ method: ([method].flat()[0] ?? '').toUpperCase(), route: one, path: fill(one) })),
);
const reads = routes.filter(({ method }) => method === 'GET');
const changes = routes.filter(({ method }) => method !== 'GET');
const allowed = [
  '/api/queues/pause',
  '/api/queues/resume',
  '/api/queues/:queueName/pause',
  '/api/queues/:queueName/resume',
  '/api/queues/:queueName/promote',
  '/api/queues/:queueName/:jobId/promote',
  '/api/queues/:queueName/:jobId/retry',
  '/api/queues/:queueName/retry/:queueStatus',
];
const refused = changes.filter(({ route }) => !allowed.includes(route));

const engines: Array<{ name: string; open: () => Promise<{ url: string; stop(): Promise<void> }> }> = [
  { name: 'PGlite', open: async () => ({ url: 'embedded', stop: async () => {} }) },
  ...(redisAvailable ? [{ name: 'Redis', open: startRedis }] : []),
];

describe.each(engines)('the board on $name', ({ open }) => {
  let queue: Awaited<ReturnType<typeof open>>;
  let tested: TestBoard;
  let readOnly: TestBoard;
  beforeAll(async () => {
    queue = await open();
    tested = await openTestBoard({ redisUrl: queue.url });
    readOnly = await openTestBoard({ redisUrl: queue.url, readOnly: true });
    for (const { engine } of [tested, readOnly]) {
      await engine.queue('email').add('email', { v: 1, id: 'msg_1' }, { jobId, delay: 3_600_000 });
    }
  });
  afterAll(async () => {
    await readOnly.close();
    await tested.close();
    await queue.stop();
  });

  /** All that could be changed about the queues, as text. */
  async function everything({ engine }: TestBoard): Promise<string> {
    const states = await Promise.all(
      queueNames.map(async (name) => {
        const one = engine.queue(name);
        const jobs = await one.getJobs(['delayed', 'waiting', 'prioritized', 'failed', 'completed']);
        return [
          await one.getJobCounts(),
          await one.isPaused(),
          await one.getGlobalConcurrency(),
          await one.getGlobalRateLimit(),
          await one.getJobSchedulersCount(),
          jobs.map(({ id, data, opts, delay, priority }) => [id, data, opts, delay, priority]),
        ];
      }),
    );
    return JSON.stringify(states);
  }

  test('/board and /board/ both show it, with its files, without asking anybody else for any', async () => {
    for (const path of ['/board', '/board/', '/board/queue/email', `/board/queue/email/${jobId}`]) {
      const { status, headers, text } = await tested.call('GET', path);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
      expect(text).toContain('<base href="/board/" />');
      expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
      const csp = headers.get('content-security-policy') ?? '';
      expect(csp).toContain("default-src 'none'; script-src 'self';");
      expect(csp).toContain("frame-ancestors 'none'");
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
    }
    for (const file of files) {
      const { status, headers } = await tested.call('GET', `/board/static/${file}`);
      expect([file, status, headers.get('cache-control')]).toEqual([file, 200, 'private, max-age=3600']);
    }
    const root = await tested.call('GET', '/');
    expect([root.status, root.headers.get('location')]).toEqual([302, '/board']);
  });

  test('every queue is there with its jobs, and every read of the table answers', async () => {
    const { body } = await tested.call('GET', '/board/api/queues?activeQueue=email&status=delayed');
    const queues = body.queues as Array<{ name: string; jobs: object[]; readOnlyMode: boolean }>;
    expect(queues.map(({ name }) => name)).toEqual([...queueNames]);
    expect(queues[0]?.jobs).toMatchObject([{ id: jobId, data: { v: 1, id: 'msg_1' }, stacktrace: [] }]);
    for (const { path } of reads) {
      // Not every engine knows its workers, so the board does not tell of them.
      const expected = path.endsWith('/workers') ? 403 : 200;
      expect([path, (await tested.call('GET', path)).status]).toEqual([path, expected]);
    }
  });

  test('what is not there is a problem document', async () => {
    for (const path of ['/board/nothing', '/board/api/nothing', '/board/static/nothing.js', '/nothing']) {
      const answer = await tested.call('GET', path);
      expect(answer.body).toMatchObject({ status: 404, code: 'not_found' });
    }
    const unknown = await tested.call('GET', '/board/api/queues/email/msg_2-g0');
    expect(unknown.body).toMatchObject({ code: 'not_found', detail: 'Job not found' });
    const noJob = await tested.call('PUT', '/board/api/queues/email/msg_2-g0/retry');
    expect(noJob.body).toMatchObject({ status: 404, code: 'not_found' });
    const noQueue = await tested.call('PUT', '/board/api/queues/none/retry/failed');
    expect(noQueue.body).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('whatever would make, change or destroy jobs is refused and changes nothing', async () => {
    const before = await everything(tested);
    expect(refused.length).toBeGreaterThan(12);
    for (const { method, path } of [
      ...refused,
      { method: 'PUT', path: '/board/api/queues/email/retry/completed' },
      { method: 'PUT', path: '/board/api/queues/email/retry/delayed' },
      { method: 'PUT', path: '/board/api/queues/email/clean/retry' },
    ]) {
      const { status, body } = await tested.call(method, path);
      expect([path, status, body.code]).toEqual([path, 403, 'action_refused']);
    }
    for (const { method, path } of [
      { method: 'DELETE', path: `/board/api/queues/email/${jobId}` },
      { method: 'POST', path: '/board/api/queues/email' },
    ]) {
      expect((await tested.call(method, path)).status).toBe(404);
    }
    expect(await everything(tested)).toBe(before);
  });

  test('a job that has not ended is not retried, nor one whose data is not ours', async () => {
    const waiting = await tested.call('PUT', `/board/api/queues/email/${jobId}/retry`);
    expect(waiting.body).toMatchObject({ status: 409, code: 'not_replayable' });
    expect(waiting.body.detail).toContain('delayed');
  });

  test('a job that somebody else has moved meanwhile is a conflict, not a fault', async () => {
    const job = jobIdOf('msg_2', 0);
    await tested.engine.queue('push').add('push', { v: 1, id: 'msg_2' }, { jobId: job });
    const answer = await tested.call('PUT', `/board/api/queues/push/${job}/promote`);
    expect(answer.body).toMatchObject({ status: 409, code: 'job_moved' });
  });

  test('read-only: every change is refused, and the page is told so', async () => {
    const before = await everything(readOnly);
    for (const { method, path } of [...changes, { method: 'DELETE', path: '/board/api/queues/email' }]) {
      const { status, body } = await readOnly.call(method, path);
      expect([path, status, body.code]).toEqual([path, 403, 'action_refused']);
    }
    expect(await everything(readOnly)).toBe(before);
    const { body } = await readOnly.call('GET', '/board/api/queues');
    expect(body.queues).toMatchObject(queueNames.map((name) => ({ name, readOnlyMode: true })));
  });

  test('a change that another site asks for is refused; our page and programs may', async () => {
    const { host, origin } = new URL(tested.url);
    const pause = (headers: Record<string, string>) =>
      tested.call('PUT', '/board/api/queues/push/pause', headers);
    const foreign: Array<Record<string, string>> = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://evil.example/${host}` },
      { origin: `http://${host}.evil.example` },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'https://evil.example', 'content-type': 'application/json' },
    ];
    for (const headers of foreign) {
      const { status, body } = await pause(headers);
      expect([headers, status, body.code]).toEqual([headers, 403, 'cross_site']);
    }
    expect(await tested.engine.queue('push').isPaused()).toBe(false);
    const ours: Array<Record<string, string>> = [{}, { origin }, { 'sec-fetch-site': 'same-origin', origin }];
    for (const headers of ours) {
      expect((await pause(headers)).status).toBe(200);
      expect(await tested.engine.queue('push').isPaused()).toBe(true);
      expect((await tested.call('PUT', '/board/api/queues/push/resume', headers)).status).toBe(200);
      expect(await tested.engine.queue('push').isPaused()).toBe(false);
    }
  });
});

describe.skipIf(!redisAvailable)('with Redis away', () => {
  let redis: TestRedis;
  let tested: TestBoard;
  beforeAll(async () => {
    redis = await startRedis();
    tested = await openTestBoard({ redisUrl: redis.url });
  });
  afterAll(async () => {
    await tested.close();
    await redis.stop();
  });

  test('it says so within seconds, shows its page, and is back when Redis is', async () => {
    expect((await tested.call('GET', '/board/api/queues')).status).toBe(200);
    await redis.kill();
    for (const { method, path } of [...reads, ...changes.filter(({ route }) => allowed.includes(route))]) {
      const startedAt = performance.now();
      const { status, body, headers } = await tested.call(method, path);
      expect([path, status, body.code]).toEqual([path, 503, 'queue_unavailable']);
      expect(headers.get('retry-after')).toBe('5');
      expect(performance.now() - startedAt).toBeLessThan(5000);
    }
    expect((await tested.call('GET', '/board')).status).toBe(200);
    expect((await tested.call('GET', '/health')).status).toBe(200);
    const ready = await tested.call('GET', '/ready');
    expect(ready).toMatchObject({
      status: 503,
      body: { checks: { database: 'ok', queue: expect.stringMatching(/^does not answer/) } },
    });
    await redis.restart();
    await until(
      async () => (await tested.call('GET', '/board/api/queues')).status,
      (status) => status === 200,
    );
  });
});
