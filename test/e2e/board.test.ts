import { readFileSync } from 'node:fs';
import { jobIdOf } from '@tidings/contracts';
import { createStore } from '@tidings/db';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { admin, callBoard } from '../support/board.ts';
import { startChild } from '../support/child.ts';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { quick } from '../support/quick.ts';
import { openRecord } from '../support/record.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

let dataDir: string;
beforeEach(() => {
  const dir = tempDir();
  dataDir = dir.path;
  cleanUp.push(dir.remove);
});

const login = { ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password };

async function start(
  script: SmtpScript,
  tuning = quick,
): Promise<{ running: TestTidings; smtp: ScriptedSmtp }> {
  const smtp = await startScriptedSmtp(script);
  cleanUp.push(smtp.stop);
  const env = { SMTP_URL: smtp.url, EMAIL_FROM: 'hello@tidings.example', ...login };
  const running = await startTidings({ dataDir, env, tuning });
  cleanUp.push(running.stop);
  return { running, smtp };
}

async function sendMany({ tidings }: TestTidings, count: number): Promise<string[]> {
  const items = Array.from({ length: count }, (_, index) => ({
    to: { email: `user${index}@example.com` },
    content: { email: { subject: 'Hello', text: 'Hello' } },
  }));
  const { items: results } = await tidings.notifications.sendMany.mutate({ items });
  return results.flatMap((result) => ('messages' in result ? result.messages.map(({ id }) => id) : []));
}

const board = ({ url }: TestTidings, method: string, path: string): Promise<Answer> =>
  callBoard(url, method, `/board/api/queues${path}`);
const allEnded = ({ tidings }: TestTidings, ids: string[]) =>
  Promise.all(ids.map((id) => ended(tidings, id)));
const get = ({ tidings }: TestTidings, id: string) => tidings.messages.get.query({ id });

/** Takes every address off the list that a bounce put there. */
async function clearSuppressions({ tidings }: TestTidings): Promise<void> {
  const { items } = await tidings.suppressions.export.query({});
  await Promise.all(items.map(({ id }) => tidings.suppressions.remove.mutate({ id })));
}

/** Waits until the queue has as many jobs in the state as there are messages, and answers their ids. */
async function jobsIn(running: TestTidings, state: string, count: number): Promise<string[]> {
  const { body } = await until(
    () => board(running, 'GET', `?activeQueue=email&status=${state}&jobsPerPage=100`),
    (answer) => jobsOf(answer).length === count,
  );
  return jobsOf({ body }).map(({ id }) => id);
}
function jobsOf({ body }: Pick<Answer, 'body'>): Array<{ id: string }> {
  return (body.queues as Array<{ jobs: Array<{ id: string }> }>)[0]?.jobs ?? [];
}

describe('the board of the all-in-one', () => {
  test('is at /board behind its login, and the API beside it is what it was', async () => {
    const { running } = await start({});
    for (const path of ['/board', '/board/', '/board/api/queues', '/board/nothing']) {
      const anonymous = await fetch(`${running.url}${path}`);
      expect([path, anonymous.status]).toEqual([path, 401]);
      expect(anonymous.headers.get('www-authenticate')).toMatch(/^Basic realm="Tidings board"/);
    }
    for (const path of ['/board', '/board/', '/board/static/images/logo.svg', '/board/api/redis/stats']) {
      expect([path, (await callBoard(running.url, 'GET', path)).status]).toEqual([path, 200]);
    }
    for (const path of ['/health', '/openapi.json']) {
      expect((await fetch(`${running.url}${path}`)).status).toBe(200);
    }
    expect((await fetch(`${running.url}/boarding`)).status).toBe(404);
    expect((await fetch(`${running.url}/v1/notifications`)).headers.get('www-authenticate')).toBe('Bearer');
  });

  test('a dead letter is retried: it arrives, is sent, and its timeline tells both lives', async () => {
    let isFixed = false;
    const { running, smtp } = await start({ rcpt: () => (isFixed ? '250 2.1.5 Ok' : '550 5.7.1 Not here') });
    const [id = ''] = await sendMany(running, 1);
    const dead = await ended(running.tidings, id);
    expect(dead).toMatchObject({ status: 'failed', reason: 'rejected' });
    expect(await jobsIn(running, 'failed', 1)).toEqual([jobIdOf(id, 0)]);
    isFixed = true;

    expect((await board(running, 'PUT', `/email/${jobIdOf(id, 0)}/retry`)).status).toBe(204);
    const message = await ended(running.tidings, id);
    expect(message).toMatchObject({ status: 'sent', reason: null, failures: 0 });
    expect(message.timeline.map(({ status, attempt, reason }) => [status, attempt, reason])).toEqual([
      ['queued', undefined, undefined],
      ['sending', 1, undefined],
      ['failed', 1, 'rejected'],
      ['queued', undefined, undefined],
      ['sending', 2, undefined],
      ['sent', 2, undefined],
    ]);
    const instants = message.timeline.map(({ at }) => at);
    expect(instants).toEqual(instants.toSorted());
    expect(smtp.messages.map(({ recipients }) => recipients)).toEqual([['user0@example.com']]);

    await until(
      async () => (await board(running, 'GET', `/email/${jobIdOf(id, 0)}`)).body,
      ({ status }) => status === 'completed',
    );
    const again = await board(running, 'PUT', `/email/${jobIdOf(id, 0)}/retry`);
    expect(again.body).toMatchObject({ status: 409, code: 'not_replayable' });
    expect(await get(running, id)).toEqual(message);
    expect(smtp.messages).toHaveLength(1);
  });

  test('a failed job whose message was sent meanwhile is not retried, alone or with all', async () => {
    let isFixed = false;
    const { running, smtp } = await start({ rcpt: () => (isFixed ? '250 2.1.5 Ok' : '550 5.7.1 Not here') });
    const [id = ''] = await sendMany(running, 1);
    await ended(running.tidings, id);
    const [job = ''] = await jobsIn(running, 'failed', 1);
    isFixed = true;
    // Replayed by another process: the relay gives it a job of the new generation, the failed one stays.
    const { database } = await openRecord(dataDir);
    expect(await createStore(database).replay([id])).toEqual([id]);
    await database.close();
    const sent = await ended(running.tidings, id);
    expect(sent).toMatchObject({ status: 'sent' });
    expect(await jobsIn(running, 'failed', 1)).toEqual([job]);

    const alone = await board(running, 'PUT', `/email/${job}/retry`);
    expect(alone.body).toMatchObject({ status: 409, code: 'not_replayable' });
    expect(await jobsIn(running, 'failed', 1)).toEqual([job]);
    expect((await board(running, 'PUT', '/email/retry/failed')).status).toBe(200);
    expect((await jobsIn(running, 'completed', 2)).toSorted()).toEqual([job, jobIdOf(id, 1)]);
    expect(await get(running, id)).toEqual(sent);
    expect(smtp.messages).toHaveLength(1);
  });

  test('retry all takes every dead letter, used-up budgets too, and each is sent once', async () => {
    let isFixed = false;
    const { running, smtp } = await start({
      rcpt: (count) =>
        isFixed ? '250 2.1.5 Ok' : count % 2 === 0 ? '550 5.1.1 No such user' : '451 4.7.1 Later',
    });
    const ids = await sendMany(running, 30);
    const dead = await allEnded(running, ids);
    expect(new Set(dead.map(({ status }) => status))).toEqual(new Set(['failed', 'bounced']));
    const [first = ''] = await jobsIn(running, 'failed', 30);
    isFixed = true;
    await clearSuppressions(running);
    expect((await board(running, 'PUT', `/email/${first}/retry`)).status).toBe(204);
    const all = await board(running, 'PUT', '/email/retry/failed');
    expect(all.status).toBe(200);
    const messages = await allEnded(running, ids);
    for (const { status, timeline } of messages) {
      expect(status).toBe('sent');
      const told = timeline.map((entry) => entry.status);
      expect(told.filter((one) => one === 'failed' || one === 'bounced')).toHaveLength(1);
      expect(told.slice(-3)).toEqual(['queued', 'sending', 'sent']);
    }
    await jobsIn(running, 'failed', 0);
    expect(smtp.messages).toHaveLength(30);
    expect(copiesByMessage(smtp.messages).size).toBe(30);
  });

  test('a message in its backoff goes at once when it is promoted, alone or with all', async () => {
    let isFixed = false;
    const slow = { ...quick, policy: { maxFailures: 8, baseMs: 55_000, capMs: 59_000 } };
    const { running } = await start({ mail: () => (isFixed ? '250 2.1.0 Ok' : '451 4.7.1 Later') }, slow);
    const ids = await sendMany(running, 12);
    await jobsIn(running, 'delayed', 12);
    isFixed = true;
    const waiting = await Promise.all(ids.map((id) => get(running, id)));
    const inSeconds = (dueAt: string) => (Date.parse(dueAt) - Date.now()) / 1000;
    // The backoff is random: of twelve some wait long.
    const late = waiting.filter(({ dueAt }) => inSeconds(dueAt) > 12).map(({ id }) => id);
    expect(late.length).toBeGreaterThan(1);
    const [one = '', ...others] = late;
    expect((await board(running, 'PUT', `/email/${jobIdOf(one, 0)}/promote`)).status).toBe(204);
    expect(await ended(running.tidings, one, 8000)).toMatchObject({ status: 'sent', failures: 1 });
    for (const id of others) expect(await get(running, id)).toMatchObject({ status: 'retrying' });
    expect((await board(running, 'PUT', '/email/promote')).status).toBe(200);
    for (const id of others) {
      expect(await ended(running.tidings, id, 8000)).toMatchObject({ status: 'sent', failures: 1 });
    }
  });

  test('what is refused leaves record and queue as they were; a pause holds until it is undone', async () => {
    const { running, smtp } = await start({ rcpt: '550 5.7.1 Not here' });
    const [id = ''] = await sendMany(running, 1);
    const before = await ended(running.tidings, id);
    const [job = ''] = await jobsIn(running, 'failed', 1);
    for (const [method, path] of [
      ['PUT', `/email/${job}/clean`],
      ['PATCH', `/email/${job}/update-data`],
      ['PUT', '/email/clean/failed'],
      ['PUT', '/email/retry/completed'],
      ['PUT', '/email/empty'],
      ['PUT', '/email/obliterate'],
      ['POST', '/email/add'],
      ['PUT', '/email/concurrency'],
      ['PUT', '/email/rate-limit/release'],
    ] as const) {
      const { status, body } = await board(running, method, path);
      expect([path, status, body.code]).toEqual([path, 403, 'action_refused']);
    }
    expect(await get(running, id)).toEqual(before);
    expect(await jobsIn(running, 'failed', 1)).toEqual([job]);

    expect((await board(running, 'PUT', '/email/pause')).status).toBe(200);
    const attempts = smtp.commands.length;
    const [held = ''] = await sendMany(running, 1);
    await jobsIn(running, 'prioritized', 1);
    expect(await get(running, held)).toMatchObject({ status: 'queued', attempts: [] });
    expect(smtp.commands).toHaveLength(attempts);
    expect((await board(running, 'PUT', '/email/resume')).status).toBe(200);
    expect(await ended(running.tidings, held)).toMatchObject({ status: 'failed' });
  });

  test('nothing of a person is shown, not even in the error of a job', async () => {
    const { running } = await start({ rcpt: '550 5.7.1 <user0@example.com> is not here' });
    const [id = ''] = await sendMany(running, 1);
    expect((await ended(running.tidings, id)).attempts[0]?.response).toContain('user0@example.com');
    const [job = ''] = await jobsIn(running, 'failed', 1);
    for (const path of ['?activeQueue=email', `/email/${job}`, `/email/${job}/logs`, `/email/${job}/flow`]) {
      const { status, text } = await board(running, 'GET', path);
      expect(status).toBe(200);
      expect(text).not.toContain('user0');
    }
  });
});

describe('the board apart', () => {
  test.each([
    ['no REDIS_URL', {}],
    ['the embedded queue', { REDIS_URL: 'embedded' }],
  ])('with %s there is nothing to show, and it says so', async (_, env) => {
    const child = startChild(['tidings.mjs', 'board'], { DATA_DIR: dataDir, BOARD_PORT: '0', ...env });
    await child.printed(/REDIS_URL: a board apart needs the redis:\/\/ URL that API and workers use/);
    expect(await child.end('SIGCONT')).toBe(1);
  });

  test.skipIf(!redisAvailable)(
    'serves the shared queue on its own port, with the password it made',
    async () => {
      const redis = await startRedis();
      cleanUp.push(redis.stop);
      const env = { DATA_DIR: dataDir, BOARD_PORT: '0', REDIS_URL: redis.url, ADMIN_PASSWORD_FILE: '' };
      const child = startChild(['tidings.mjs', 'board'], env);
      cleanUp.push(() => child.end());
      const [, url = ''] = await child.printed(/"url":"(http:[^"]+)\/board".*"msg":"ready"/);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await fetch(`${url}/board`)).status).toBe(401);
      const password = readFileSync(`${dataDir}/admin-password`, 'utf8').trim();
      expect(child.output()).not.toContain(password);
      const authorization = `Basic ${Buffer.from(`admin@localhost:${password}`).toString('base64')}`;
      const queues = await fetch(`${url}/board/api/queues`, { headers: { authorization } });
      expect(queues.status).toBe(200);
      expect(await child.end('SIGTERM')).toBe(0);
    },
  );
});
