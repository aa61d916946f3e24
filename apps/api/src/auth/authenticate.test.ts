import { createMetrics, parseConfig, silentLog } from '@tidings/runtime';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerOf, openTestApi, type TestAccount, type TestApi } from '../../../../test/support/api.ts';
import { until } from '../../../../test/support/until.ts';
import { createApi } from '../api.ts';
import { findJwtSecrets } from './jwt-secrets.ts';
import { createTokens } from './tokens.ts';

const authCacheMs = 100;
let tested: TestApi;
let ada: TestAccount;
beforeEach(async () => {
  tested = await openTestApi({ authCacheMs });
  ada = await tested.addAccount('owner');
});
afterEach(() => tested.close());

const me = (authorization: string) => tested.call('GET', '/v1/auth/me', undefined, { authorization });

/** Another process on the same record and data directory. */
function anotherApi() {
  const config = parseConfig({ DATA_DIR: tested.dataDir, PORT: '0' });
  const api = createApi({
    store: tested.store,
    config,
    log: silentLog(),
    metrics: createMetrics(),
    authCacheMs,
  });
  return {
    stop: api.stop,
    get: async (path: string, { headers }: TestAccount) =>
      answerOf(await api.fetch(new Request(`http://tidings.test${path}`, { headers }))),
  };
}

test.each([
  ['a logout', async () => tested.call('POST', '/v1/auth/logout', {}, ada.headers)],
  [
    'a revoked session',
    async () => tested.call('DELETE', `/v1/sessions/${ada.sessionId}`, undefined, ada.headers),
  ],
  [
    'a disabled account',
    async () => {
      const other = await tested.addAccount('owner');
      return tested.call('PUT', `/v1/accounts/${ada.id}`, { disabled: true }, other.headers);
    },
  ],
])('%s takes effect in every process within the time that credentials are believed', async (_, act) => {
  const other = anotherApi();
  expect([
    (await me(ada.headers.authorization)).status,
    (await other.get('/v1/auth/me', ada)).status,
  ]).toEqual([200, 200]);
  expect(await act()).toMatchObject({ status: 200 });
  for (const ask of [() => me(ada.headers.authorization), () => other.get('/v1/auth/me', ada)]) {
    const refused = await until(ask, ({ status }) => status !== 200, 5000);
    expect(refused).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  }
  await other.stop();
});

test('another role takes effect in every process within the time that credentials are believed', async () => {
  const other = anotherApi();
  const eve = await tested.addAccount('admin');
  const list = () => other.get('/v1/accounts', eve);
  expect((await list()).status).toBe(200);
  await tested.call('PUT', `/v1/accounts/${eve.id}`, { role: 'viewer' }, ada.headers);
  expect(await until(list, ({ status }) => status !== 200, 5000)).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  await other.stop();
});

test('a token that is not ours, not for accounts, or of a session that is none, is refused', async () => {
  const [secret = ''] = findJwtSecrets(parseConfig({ DATA_DIR: tested.dataDir }));
  const claims = { subject: ada.id, sessionId: ada.sessionId };
  const tokens = createTokens({ secrets: [secret] });
  const good = await tokens.sign('account', claims, 60);
  expect((await me(`Bearer ${good.token}`)).status).toBe(200);
  const kid = JSON.parse(atob(good.token.split('.')[0] ?? '')).kid as string;
  const other = await tested.addAccount('viewer');
  const unsigned = new UnsecuredJWT({ sid: ada.sessionId })
    .setSubject(ada.id)
    .setIssuer('tidings')
    .setAudience('account')
    .setExpirationTime('1h')
    .encode();
  const foreign = await new SignJWT({ sid: ada.sessionId })
    .setProtectedHeader({ alg: 'HS256', kid })
    .setSubject(ada.id)
    .setIssuer('tidings')
    .setAudience('account')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode('x'.repeat(40)));
  const bad = [
    unsigned,
    foreign,
    (await tokens.sign('account', claims, -1)).token,
    (await tokens.sign('account', { subject: ada.id }, 60)).token,
    (await tokens.sign('account', { ...claims, sessionId: other.sessionId }, 60)).token,
    (await tokens.sign('account', { ...claims, sessionId: 'ses_none' }, 60)).token,
    (await tokens.sign('recipient', { subject: ada.id, projectId: 'prj_1' }, 60)).token,
  ];
  for (const token of bad)
    expect(await me(`Bearer ${token}`)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
});

test('an API key is no account', async () => {
  expect(await me(`Bearer ${tested.key}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
});

test('tokens stay good over a change of the secret, as long as the one before is kept', async () => {
  const [before = ''] = findJwtSecrets(parseConfig({ DATA_DIR: tested.dataDir }));
  const statusWith = async (env: Record<string, string>) => {
    const config = parseConfig({ DATA_DIR: tested.dataDir, PORT: '0', ...env });
    const { store } = tested;
    const api = createApi({ store, config, log: silentLog(), metrics: createMetrics() });
    const request = new Request('http://tidings.test/v1/auth/me', { headers: ada.headers });
    const { status } = await api.fetch(request);
    await api.stop();
    return status;
  };
  const JWT_SECRET = 'a new secret of more than 32 characters';
  expect(await statusWith({ JWT_SECRET, JWT_SECRET_PREVIOUS: before })).toBe(200);
  expect(await statusWith({ JWT_SECRET })).toBe(401);
});

test("an account's call is about the project that the header names, and what its role may do there", async () => {
  const key = await tested.addProject('other');
  const viewer = await tested.addAccount('viewer');
  const put = (headers: Record<string, string>) =>
    tested.call('PUT', '/v1/recipients/ada', { name: 'Ada' }, headers);
  const see = async (headers: Record<string, string>) =>
    (await tested.call('GET', '/v1/recipients/ada', undefined, headers)).status;
  const inOther = { 'tidings-project': 'other' };
  expect((await put({ ...ada.headers, ...inOther })).status).toBe(200);
  expect(await see({ authorization: `Bearer ${key}` })).toBe(200);
  expect(await see({})).toBe(404);
  expect([await see({ ...viewer.headers, ...inOther }), await see(viewer.headers)]).toEqual([200, 404]);
  expect(await put({ ...viewer.headers, ...inOther })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});

test('a project that is unknown or archived is not found', async () => {
  await tested.addProject('old');
  const list = (project: string) =>
    tested.call('GET', '/v1/notifications', undefined, { ...ada.headers, 'tidings-project': project });
  expect((await list('old')).status).toBe(200);
  await tested.query(`UPDATE projects SET archived_at = 1 WHERE key = 'old'`);
  const gone = await until(
    () => list('old'),
    ({ status }) => status !== 200,
    5000,
  );
  expect(gone).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
  expect(await list('never')).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
});

test('the address on record is the one that our proxy saw', async () => {
  const proxied = await openTestApi({ env: { TRUST_PROXY: '1' } });
  const { email, password, id } = await proxied.addAccount('viewer');
  await proxied.call(
    'POST',
    '/v1/auth/login',
    { email, password },
    { 'x-forwarded-for': '192.0.2.66, 192.0.2.7' },
  );
  const [latest] = await proxied.store.listSessions(id);
  expect(latest?.address).toBe('192.0.2.7');
  await proxied.close();
});
