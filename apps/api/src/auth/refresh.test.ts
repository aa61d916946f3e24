import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Answer,
  loginOf,
  openTestApi,
  type TestAccount,
  type TestApi,
} from '../../../../test/support/api.ts';

let tested: TestApi;
let ada: TestAccount;
beforeEach(async () => {
  tested = await openTestApi();
  ada = await tested.addAccount('member');
});
afterEach(() => tested.close());

const refresh = (cookie: string, headers: Record<string, string> = {}): Promise<Answer> =>
  tested.call('POST', '/v1/auth/refresh', undefined, { authorization: '', cookie, ...headers });
const letPass = (ms: number) =>
  tested.query(`UPDATE sessions SET refreshed_at = refreshed_at - ${ms}, expires_at = expires_at - ${ms}`);
const loggedOut = { status: 401, body: { code: 'login_required' } };

test('a refresh gives another access token and replaces the cookie', async () => {
  const answer = await refresh(ada.cookie);
  expect(answer).toMatchObject({ status: 200, body: { account: { id: ada.id } } });
  const next = loginOf(answer);
  expect(next.cookie).not.toBe(ada.cookie);
  expect(next.sessionId).toBe(ada.sessionId);
  expect((await tested.call('GET', '/v1/auth/me', undefined, next.headers)).status).toBe(200);
  expect((await refresh(next.cookie)).status).toBe(200);
});

test('an access token that has ended is not in the way of a refresh, a login or a logout', async () => {
  const stale = { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' };
  expect((await refresh(ada.cookie, stale)).status).toBe(200);
  const { email, password } = ada;
  expect((await tested.call('POST', '/v1/auth/login', { email, password }, stale)).status).toBe(200);
  expect((await tested.call('POST', '/v1/auth/logout', {}, stale)).status).toBe(200);
  expect((await tested.call('POST', '/trpc/auth.refresh', {}, { ...stale, cookie: ada.cookie })).status).toBe(
    200,
  );
});

test('tabs that refresh at once all go on, with the same newer cookie', async () => {
  const answers = await Promise.all([refresh(ada.cookie), refresh(ada.cookie), refresh(ada.cookie)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const [cookie = '', ...others] = new Set(answers.map((answer) => loginOf(answer).cookie));
  expect(cookie).not.toBe(ada.cookie);
  expect(others).toEqual([]);
  expect((await refresh(cookie)).status).toBe(200);
});

test('a refresh whose answer was lost is done again, and ends nothing later', async () => {
  const lost = loginOf(await refresh(ada.cookie));
  await letPass(20_000);
  const again = loginOf(await refresh(ada.cookie));
  expect(again.cookie).toBe(lost.cookie);
  await letPass(600_000);
  expect((await refresh(again.cookie)).status).toBe(200);
  expect(await tested.store.listAudit(null, { action: 'auth.refreshReused', limit: 5 })).toEqual([]);
});

test('so it is where the secret of the tokens changed in between, as long as the one before is taken', async () => {
  const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(32));
  const before = await openTestApi({ env: { JWT_SECRET: first } });
  const eve = await before.addAccount('viewer');
  const shown = (api: TestApi) =>
    api.call('POST', '/v1/auth/refresh', undefined, { authorization: '', cookie: eve.cookie });
  const lost = loginOf(await shown(before));
  const changed = await before.restart({ JWT_SECRET: second, JWT_SECRET_PREVIOUS: first });
  expect(loginOf(await shown(changed)).cookie).toBe(lost.cookie);
  const twice = await changed.restart({ JWT_SECRET: third, JWT_SECRET_PREVIOUS: second });
  const answer = await shown(twice);
  expect([answer.status, answer.headers.has('set-cookie')]).toEqual([200, false]);
  await twice.close();
});

test('a cookie shown long after it was replaced ends the session for whoever has it', async () => {
  const next = loginOf(await refresh(ada.cookie));
  await letPass(29_000);
  expect((await refresh(ada.cookie)).status).toBe(200);
  await letPass(2000);
  const stolen = await refresh(ada.cookie);
  expect(stolen).toMatchObject(loggedOut);
  expect(stolen.headers.get('set-cookie')).toMatch(/^tidings_refresh=; Max-Age=0; /);
  expect(await refresh(next.cookie)).toMatchObject(loggedOut);
  const trail = await tested.store.listAudit(null, { action: 'auth.refreshReused', limit: 5 });
  expect(trail).toMatchObject([{ target: ada.sessionId, actorKind: 'anyone' }]);
});

test('a copy is noticed however many refreshes came after it', async () => {
  let newest = ada;
  for (let count = 0; count < 3; count += 1) {
    newest = { ...newest, ...loginOf(await refresh(newest.cookie)) };
    await letPass(600_000);
  }
  expect(await refresh(ada.cookie)).toMatchObject(loggedOut);
  expect(await refresh(newest.cookie)).toMatchObject(loggedOut);
  const trail = await tested.store.listAudit(null, { action: 'auth.refreshReused', limit: 5 });
  expect(trail).toMatchObject([{ target: ada.sessionId }]);
});

test('a session ends 30 days after it was used last', async () => {
  const dayMs = 86_400_000;
  await letPass(29 * dayMs);
  const next = loginOf(await refresh(ada.cookie));
  await letPass(29 * dayMs);
  const again = loginOf(await refresh(next.cookie));
  await letPass(30 * dayMs);
  expect(await refresh(again.cookie)).toMatchObject(loggedOut);
});

test('the cookie of nobody, of another session, or of another kind is none', async () => {
  const other = await tested.addAccount('member');
  const partsOf = ({ cookie }: TestAccount) => cookie.split('.').slice(1).join('.');
  for (const cookie of [
    '',
    'tidings_refresh=',
    'tidings_refresh=x',
    `tidings_refresh=${ada.sessionId}.${partsOf(other)}`,
    `tidings_refresh=${other.sessionId}.${partsOf(ada)}`,
    `tidings_refresh=${ada.sessionId}.${'x'.repeat(43)}.${ada.cookie.slice(-43)}`,
    `tidings_refresh=${ada.token}`,
    `__Host-${ada.cookie}`,
  ])
    expect(await refresh(cookie), cookie).toMatchObject(loggedOut);
  expect((await refresh(`a=b; ${ada.cookie}; c=d`)).status).toBe(200);
});

test('a logout ends the session of the cookie, clears it, and can be done again', async () => {
  const logout = () => tested.call('POST', '/v1/auth/logout', {}, { authorization: '', cookie: ada.cookie });
  const first = await logout();
  expect(first).toMatchObject({ status: 200, body: { sessionId: ada.sessionId } });
  expect(first.headers.get('set-cookie')).toMatch(/^tidings_refresh=; Max-Age=0; Path=\/; HttpOnly/);
  expect(await logout()).toMatchObject({ status: 200, body: { sessionId: null } });
  expect(await refresh(ada.cookie)).toMatchObject(loggedOut);
});
