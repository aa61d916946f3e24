import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, exchange } from '../../../test/support/api.ts';
import { admin, basic, openTestBoard, type TestBoard } from '../../../test/support/board.ts';

const staticDir = join(
  dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json')),
  'dist',
);
const files = readdirSync(staticDir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.parentPath !== staticDir)
  .map((entry) => `/board${join(entry.parentPath, entry.name).slice(staticDir.length)}`);

const fill = (route: string) =>
  `/board${route.replace(':queueName', 'email').replace(':queueStatus', 'failed').replaceAll(/:\w+/g, 'msg_1-g0')}`;
const pages = [appRoutes.entryPoint.route].flat().map(fill);
const calls = appRoutes.api.flatMap(({ method, route }) =>
  [route].flat().map((one) => ({ method: [method].flat()[0] ?? 'get', path: fill(one) })),
);

let tested: TestBoard;
beforeAll(async () => {
  tested = await openTestBoard({ redisUrl: 'embedded' });
});
afterAll(() => tested.close());

const noLogin = { authorization: '' };

function expectLoginRequired({ status, headers, body }: Answer): void {
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toBe('Basic realm="Tidings board", charset="UTF-8"');
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ status: 401, code: 'login_required', title: 'A login is required' });
}

describe('without a login nothing is shown', () => {
  test('the lists of what there is are not empty', () => {
    expect(pages).toContain('/board/');
    expect(calls.length).toBeGreaterThan(30);
    expect(files.length).toBeGreaterThan(50);
    expect(files).toContain('/board/static/images/logo.svg');
  });

  test('no page, no call of the table and no static file', async () => {
    for (const path of ['/', '/board', ...pages, ...files]) {
      expectLoginRequired(await tested.call('GET', path, noLogin));
    }
    for (const { method, path } of calls) {
      expectLoginRequired(await tested.call(method.toUpperCase(), path, noLogin));
    }
  });

  test('no method gets around it', async () => {
    for (const path of ['/board', '/board/api/queues', files[0] ?? '', '/health/x', '/nothing']) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        expectLoginRequired(await tested.call(method, path, noLogin));
      }
      const head = await fetch(new URL(path, tested.url), { method: 'HEAD' });
      expect([head.status, head.headers.get('www-authenticate')?.slice(0, 5)]).toEqual([401, 'Basic']);
    }
    expect((await tested.call('POST', '/health', noLogin)).status).toBe(401);
  });

  test.each([
    '/board//',
    '//board',
    '//board/static/images/logo.svg',
    '/board/./api/queues',
    '/board/../board/api/queues',
    '/board/%2e%2e/board/api/queues',
    '/%62oard/api/queues',
    '/board%2fapi%2fqueues',
    '/board/api%2Fqueues',
    '/board/static/..%2f..%2fpackage.json',
    '/board/static/%2e%2e/%2e%2e/package.json',
    '/board/static/images/logo.svg?authorization=x',
    '/health/../board/api/queues',
    '/health/%2e%2e/board',
    '/health%2f..%2fboard',
    '/metrics/..;/board',
    '/board;/api/queues',
    '/BOARD',
    '/board/api/queues#/health',
    '/board/api/queues%00',
    '/board/%E0%A4%A',
    'http://elsewhere.example/board/api/queues',
  ])('no spelling gets around it: %s', async (target) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'TRACE']) {
      const answer = await exchange(
        tested.url,
        `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toMatch(/www-authenticate: Basic realm="Tidings board", charset="UTF-8"/i);
    }
  });

  test.each([
    ['a wrong password', basic(admin.email, 'correct horse')],
    ['no password', basic(admin.email, '')],
    ['another e-mail', basic('admin@example.com', admin.password)],
    ['a longer password', basic(admin.email, `${admin.password} `)],
    ['the parts the other way round', basic(admin.password, admin.email)],
    ['no colon', `Basic ${Buffer.from(admin.email).toString('base64')}`],
    ['another scheme', `Bearer ${admin.password}`],
    ['nothing after the scheme', 'Basic'],
    ['what is not Base64', 'Basic {}'],
    ['two logins', `${basic(admin.email, 'x')}, ${basic(admin.email, admin.password)}`],
  ])('%s is no login', async (_, authorization) => {
    // Each from an address of its own, as far as the brake can see.
    const request = new Request('http://board.test/board', { headers: { authorization } });
    const response = await tested.board.fetch(request, { address: authorization });
    expect(response.status).toBe(401);
  });
});

test('health, readiness and metrics of a board apart need no login; the queue’s state is in /ready', async () => {
  for (const path of ['/health', '/health/']) {
    const answer = await tested.call('GET', path, noLogin);
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
  }
  expect((await tested.call('GET', '/ready', noLogin)).body).toEqual({
    status: 'ok',
    checks: { database: 'ok', queue: 'ok' },
  });
  expect((await tested.call('GET', '/metrics', noLogin)).text).toContain('# HELP tidings_');
});

describe('whoever guesses', () => {
  let braked: TestBoard;
  beforeAll(async () => {
    braked = await openTestBoard({ redisUrl: 'embedded' });
  });
  afterEach(() => braked.close());

  test('is stopped after ten different wrong logins, even from the right one; other addresses are not', async () => {
    for (let guess = 0; guess < 10; guess += 1) {
      const authorization = basic(admin.email, `guess ${guess}`);
      expectLoginRequired(await braked.call('GET', '/board', { authorization }));
    }
    const refused = await braked.call('GET', '/board');
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: 'rate_limited', detail: 'Too many wrong logins' });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
    expectLoginRequired(await braked.call('GET', '/board', noLogin));
    expect((await braked.call('GET', '/health')).status).toBe(200);

    const authorization = basic(admin.email, admin.password);
    const elsewhere = new Request(`${braked.url}/board`, { headers: { authorization } });
    expect((await braked.board.fetch(elsewhere, { address: '192.0.2.1' })).status).toBe(200);
  });
});
