import { createLog } from '@tidings/runtime';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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
  ada = await tested.addAccount('admin');
});
afterEach(() => tested.close());

const anonymous = { authorization: '' };
const login = (
  email: string,
  password: string,
  headers: Record<string, string> = anonymous,
  api: TestApi = tested,
): Promise<Answer> => api.call('POST', '/v1/auth/login', { email, password }, headers);

/** What of an answer may differ between two of them without telling anything. */
const shapeOf = ({ status, headers, body }: Answer) => ({
  status,
  headers: Object.fromEntries([...headers].map(([name]) => [name, name])),
  body: { ...body, requestId: '' },
});

test('an unknown e-mail, a wrong password and a disabled account get the same answer', async () => {
  const eve = await tested.addAccount('viewer');
  await tested.call('PUT', `/v1/accounts/${eve.id}`, { disabled: true }, ada.headers);
  const wrong = await login(ada.email, 'not the password');
  expect(wrong).toMatchObject({ status: 401, body: { code: 'login_failed' } });
  expect(wrong.headers.has('set-cookie')).toBe(false);
  expect(shapeOf(await login('nobody@example.com', 'not the password'))).toEqual(shapeOf(wrong));
  expect(shapeOf(await login(eve.email, eve.password))).toEqual(shapeOf(wrong));
});

test('the right password logs in, however the e-mail is written', async () => {
  const answer = await login(ada.email.toUpperCase(), ada.password);
  expect(answer).toMatchObject({ status: 200, body: { account: { id: ada.id, role: 'admin' } } });
  const lifeMs = Date.parse(String(answer.body.expiresAt)) - Date.now();
  expect(Math.abs(lifeMs - 600_000)).toBeLessThan(5000);
  const me = await tested.call('GET', '/v1/auth/me', undefined, {
    authorization: `Bearer ${answer.body.accessToken}`,
  });
  expect(me).toMatchObject({ status: 200, body: { account: { email: ada.email } } });
});

describe('the refresh cookie', () => {
  const cookieOf = (answer: Answer) => answer.headers.get('set-cookie') ?? '';

  test('is for this host, the API alone and no other site, for 30 days', async () => {
    const cookie = cookieOf(await login(ada.email, ada.password));
    const [value, ...attributes] = cookie.split('; ');
    expect(value).toMatch(/^tidings_refresh=ses_[0-9a-f]{32}(\.[0-9A-Za-z_-]{43}){2}$/);
    expect(attributes.toSorted()).toEqual(['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Strict']);
  });

  test.each([
    ['behind a proxy that speaks https', { TRUST_PROXY: '1' }, { 'x-forwarded-proto': 'https' }, true],
    ['behind one that speaks http', { TRUST_PROXY: '1' }, { 'x-forwarded-proto': 'http' }, false],
    ['behind one in production that does not say', { TRUST_PROXY: '1', NODE_ENV: 'production' }, {}, true],
    ['when anyone could have written the header', {}, { 'x-forwarded-proto': 'https' }, false],
  ])('is secure over https: %s', async (_, env, headers, isSecure) => {
    const proxied = await openTestApi({ env });
    const { email, password } = await proxied.addAccount('viewer');
    const answer = await login(email, password, { ...anonymous, ...headers }, proxied);
    const cookie = cookieOf(answer);
    expect(cookie.startsWith('__Host-tidings_refresh=')).toBe(isSecure);
    expect(cookie.includes('; Secure')).toBe(isSecure);
    await proxied.close();
  });
});

test.each(['/v1/auth/login', '/v1/auth/refresh', '/v1/auth/logout', '/v1/invitations/accept'])(
  'a page of another site cannot use %s',
  async (path) => {
    const body = {
      '/v1/auth/login': { email: ada.email, password: ada.password },
      '/v1/invitations/accept': {
        token: `inv_${'0'.repeat(32)}_${'s'.repeat(43)}`,
        name: 'x',
        password: 'x'.repeat(12),
      },
    }[path];
    const ask = (headers: Record<string, string>) =>
      tested.call('POST', path, body, {
        ...anonymous,
        cookie: ada.cookie,
        host: 'tidings.test',
        ...headers,
      });
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://tidings.test' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
    ] as Array<Record<string, string>>) {
      expect(await ask(headers)).toMatchObject({ status: 403, body: { code: 'cross_site' } });
    }
    const ours = await ask({ origin: 'http://tidings.test' });
    expect(ours.body.code).not.toBe('cross_site');
  },
);

test('whoever guesses is shut out, with the right password too, and it is on record', async () => {
  const answers = [];
  for (let index = 0; index < 12; index += 1)
    answers.push(await login(ada.email, index < 11 ? `guess number ${index}` : ada.password));
  expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429]);
  const last = answers.at(-1);
  expect(last?.body).toMatchObject({ code: 'rate_limited', detail: 'Too many wrong logins' });
  const wait = Number(last?.headers.get('retry-after'));
  expect(wait).toBeGreaterThan(30);
  expect(wait).toBeLessThanOrEqual(60);
  const lockouts = await tested.store.listAudit(null, { action: 'auth.lockout', limit: 10 });
  expect(lockouts).toMatchObject([{ target: ada.id, actorKind: 'anyone', fields: ['email'] }]);
  const metrics = await tested.call('GET', '/metrics');
  expect(metrics.text).toContain('tidings_logins_total{outcome="wrong"} 10');
});

test('an unknown e-mail is shut out as a known one is', async () => {
  const statuses = [];
  for (let index = 0; index < 11; index += 1)
    statuses.push((await login('nobody@example.com', 'some password')).status);
  expect(statuses).toEqual([...Array(10).fill(401), 429]);
});

test('a login that could not be looked into does not count', async () => {
  const release = await tested.lockRecord();
  const away = [];
  for (let index = 0; index < 12; index += 1) away.push(await login(ada.email, ada.password));
  await release();
  expect(new Set(away.map(({ body }) => body.code))).toEqual(new Set(['unavailable']));
  expect((await login(ada.email, ada.password)).status).toBe(200);
});

test('many logins at once: some wait their turn, and the rest is asked to come back', async () => {
  const { email, password } = ada;
  const other = await tested.addAccount('viewer');
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      login(index % 2 ? email : `someone-${index}@example.com`, password),
    ),
  );
  const statuses = Map.groupBy(answers, ({ status }) => status);
  expect(statuses.get(503)?.length).toBeGreaterThan(0);
  for (const { body, headers } of statuses.get(503) ?? []) {
    expect(body.code).toBe('overloaded');
    expect(headers.get('retry-after')).toBe('1');
  }
  expect(statuses.get(500)).toBeUndefined();
  expect((await login(other.email, other.password)).status).toBe(200);
});

test('logins, logouts and changed passwords are on record, and refreshes are not', async () => {
  const { token, cookie } = ada;
  const asAda = { authorization: `Bearer ${token}` };
  await tested.call('POST', '/v1/auth/refresh', {}, { ...anonymous, cookie });
  const change = { currentPassword: ada.password, newPassword: 'a better password' };
  expect(await tested.call('POST', '/v1/auth/password', change, asAda)).toMatchObject({ status: 200 });
  await tested.call('POST', '/v1/auth/logout', {}, asAda);
  const trail = await tested.store.listAudit(null, { actorId: ada.id, limit: 10 });
  expect(trail.map(({ action, actorKind, target, fields }) => [action, actorKind, target, fields])).toEqual([
    ['auth.logout', 'account', ada.sessionId, []],
    ['auth.changePassword', 'account', ada.id, ['password']],
    ['auth.login', 'account', ada.sessionId, []],
  ]);
});

describe('a new password', () => {
  const change = (currentPassword: string, newPassword: string) =>
    tested.call('POST', '/v1/auth/password', { currentPassword, newPassword }, ada.headers);

  test('ends the other sessions, and the old one logs in no more', async () => {
    const { headers } = await login(ada.email, ada.password);
    const other = (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const changed = await change(ada.password, 'quite a new password');
    expect(changed).toMatchObject({ status: 200, body: { endedSessions: 1 } });
    const [next = ''] = (changed.headers.get('set-cookie') ?? '').split(';');
    const refreshed = (cookie: string) =>
      tested.call('POST', '/v1/auth/refresh', {}, { ...anonymous, cookie });
    expect(await refreshed(other)).toMatchObject({ status: 401, body: { code: 'login_required' } });
    // A copy of the cookie from before.
    expect((await refreshed(ada.cookie)).status).toBe(401);
    expect(await refreshed(next)).toMatchObject({ status: 200, body: { account: { id: ada.id } } });
    expect((await login(ada.email, ada.password)).status).toBe(401);
    expect((await login(ada.email, 'quite a new password')).status).toBe(200);
  });

  test('needs the current one, which cannot be guessed at', async () => {
    const answers = [];
    for (let index = 0; index < 11; index += 1)
      answers.push(await change(`guess ${index}`, 'quite a new password'));
    expect(answers[0]).toMatchObject({
      status: 422,
      body: { code: 'wrong_password', errors: [{ pointer: '/currentPassword' }] },
    });
    expect(answers[10]).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  });

  test('can be set while somebody else guesses at the account, and after an outage', async () => {
    for (let index = 0; index < 11; index += 1) await login(ada.email, `guess ${index}`);
    expect((await login(ada.email, ada.password)).status).toBe(429);
    const release = await tested.lockRecord();
    const away = [];
    for (let index = 0; index < 12; index += 1) away.push(await change(ada.password, 'quite a new password'));
    await release();
    expect(new Set(away.map(({ body }) => body.code))).toEqual(new Set(['unavailable']));
    expect((await change(ada.password, 'quite a new password')).status).toBe(200);
  });

  test('is asked for by one session, and guesses in it shut out no other', async () => {
    const other = loginOf(await login(ada.email, ada.password));
    for (let index = 0; index < 11; index += 1) await change(`guess ${index}`, 'quite a new password');
    expect((await change(ada.password, 'quite a new password')).status).toBe(429);
    const body = { currentPassword: ada.password, newPassword: 'quite a new password' };
    expect((await tested.call('POST', '/v1/auth/password', body, other.headers)).status).toBe(200);
    const lockouts = await tested.store.listAudit(null, { action: 'auth.lockout', limit: 10 });
    expect(lockouts).toMatchObject([{ target: ada.id, actorId: ada.id, fields: ['session'] }]);
  });

  test.each([
    ['too short', 'elevenchars', 400, 'invalid_request'],
    ['too long', 'x'.repeat(257), 400, 'invalid_request'],
  ])('is refused when it is %s', async (_, password, status, code) => {
    expect(await change(ada.password, password)).toMatchObject({
      status,
      body: { code, errors: [{ pointer: '/newPassword' }] },
    });
  });

  test('is refused when it is the e-mail', async () => {
    expect(await change(ada.password, ada.email.toUpperCase())).toMatchObject({
      status: 422,
      body: { code: 'weak_password', errors: [{ pointer: '/newPassword' }] },
    });
  });
});

test('no secret is in an answer but the first, in the log, or in the record as it is', async () => {
  const lines: string[] = [];
  const write = vi
    .spyOn(process.stdout, 'write')
    .mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  const logged = await openTestApi({ log: createLog({ level: 'trace', name: 'api' }) });
  const owner = await logged.addAccount('owner');
  const invited = await logged.call(
    'POST',
    '/v1/invitations',
    { email: 'g@example.com', role: 'viewer' },
    owner.headers,
  );
  await login(owner.email, 'a wrong password', anonymous, logged);
  const paths = [
    '/v1/auth/me',
    '/v1/sessions',
    '/v1/accounts',
    `/v1/accounts/${owner.id}`,
    '/v1/invitations',
  ];
  const texts = [];
  for (const path of paths) texts.push((await logged.call('GET', path, undefined, owner.headers)).text);
  const refreshed = await logged.call('POST', '/v1/auth/refresh', {}, { cookie: owner.cookie });
  texts.push(JSON.stringify({ ...refreshed.body, accessToken: '' }));
  write.mockRestore();
  const tables = ['accounts', 'sessions', 'invitations', 'audit', 'api_keys'];
  const rows = await Promise.all(tables.map((table) => logged.query(`SELECT * FROM ${table}`)));
  const record = JSON.stringify(rows);
  expect(rows.every((some) => some.length > 0)).toBe(true);
  const secrets = {
    password: owner.password,
    family: owner.cookie.split('.')[1] ?? '',
    cookie: owner.cookie.split('.')[2] ?? '',
    token: owner.token,
    invitation: String(invited.body.token).slice(-43),
    key: logged.key,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(20);
    for (const text of [...texts, ...lines, record]) expect(text.includes(secret), name).toBe(false);
  }
  expect(texts.join('')).not.toContain('argon2id');
  await logged.close();
});
