import { createTidings } from '@tidings/client';
import type { Role } from '@tidings/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestAccount, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let owner: TestAccount;
let admin: TestAccount;
beforeAll(async () => {
  tested = await openTestApi();
  owner = await tested.addAccount('owner');
  admin = await tested.addAccount('admin');
});
afterAll(() => tested.close());
/** There is an owner again, whatever a test did. */
afterEach(() =>
  tested.query(`UPDATE accounts SET role = 'owner', disabled_at = NULL WHERE id = '${owner.id}'`),
);

const update = (as: TestAccount, { id }: { id: string }, changes: object) =>
  tested.call('PUT', `/v1/accounts/${id}`, changes, as.headers);

test('an account tells nothing of its password', async () => {
  const { body } = await tested.call('GET', `/v1/accounts/${owner.id}`, undefined, admin.headers);
  expect(Object.keys(body).toSorted()).toEqual(
    ['createdAt', 'disabledAt', 'email', 'id', 'lastLoginAt', 'name', 'role', 'updatedAt'].toSorted(),
  );
});

test('pages lead through all accounts once, there and back', async () => {
  for (let count = 0; count < 3; count += 1) await tested.addAccount('viewer');
  const { url, stop } = await tested.listen();
  const { accounts } = createTidings({ url, apiKey: admin.token });
  const one = await accounts.list.query({ limit: 2 });
  const two = await accounts.list.query({ limit: 2, after: one.after ?? '' });
  const three = await accounts.list.query({ limit: 2, after: two.after ?? '' });
  const ids = [one, two, three].flatMap(({ items }) => items.map(({ id }) => id));
  expect(ids).toEqual(ids.toSorted().reverse());
  expect(new Set(ids).size).toBe(5);
  expect([one.before, three.after]).toEqual([null, null]);
  expect(await accounts.list.query({ limit: 2, before: three.before ?? '' })).toEqual(two);
  await stop();
});

test('what is changed is on record by its name, and what was refused is not', async () => {
  const eve = await tested.addAccount('member');
  expect(await update(admin, eve, { name: 'Eve', role: 'viewer' })).toMatchObject({
    status: 200,
    body: { name: 'Eve', role: 'viewer', disabledAt: null },
  });
  await update(admin, eve, { role: 'admin' });
  await update(admin, eve, {});
  const trail = await tested.store.listAudit(null, { target: eve.id, action: 'accounts.update', limit: 9 });
  expect(trail).toMatchObject([{ actorId: admin.id, actorKind: 'account', fields: ['name', 'role'] }]);
  expect(JSON.stringify(trail)).not.toContain('Eve');
});

test('a disabled account logs in again only when it is enabled, and without its old sessions', async () => {
  const eve = await tested.addAccount('member');
  const login = async () =>
    (await tested.call('POST', '/v1/auth/login', { email: eve.email, password: eve.password })).status;
  const refresh = async () =>
    (await tested.call('POST', '/v1/auth/refresh', {}, { authorization: '', cookie: eve.cookie })).status;
  const first = await update(admin, eve, { disabled: true });
  expect(first.body.disabledAt).toEqual(expect.any(String));
  expect((await update(admin, eve, { disabled: true })).body.disabledAt).toBe(first.body.disabledAt);
  expect([await login(), await refresh()]).toEqual([401, 401]);
  expect((await update(admin, eve, { disabled: false })).body.disabledAt).toBeNull();
  expect([await login(), await refresh()]).toEqual([200, 401]);
});

describe('only an owner', () => {
  const forbidden = { status: 403, body: { code: 'forbidden' } };

  test.each(['owner', 'admin'] as Role[])('makes somebody %s', async (role) => {
    const eve = await tested.addAccount('member');
    expect(await update(admin, eve, { role })).toMatchObject(forbidden);
    expect(await update(owner, eve, { role })).toMatchObject({ status: 200, body: { role } });
    await update(owner, eve, { role: 'viewer' });
  });

  test.each(['owner', 'admin'] as Role[])('changes somebody who is %s', async (role) => {
    const eve = await tested.addAccount(role);
    for (const changes of [{ name: 'x' }, { disabled: true }, { role: 'viewer' }]) {
      expect(await update(admin, eve, changes)).toMatchObject(forbidden);
      expect(await update(owner, eve, changes)).toMatchObject({ status: 200 });
    }
  });
});

describe('the last owner', () => {
  const refused = { status: 409, body: { code: 'last_owner' } };

  test.each([{ disabled: true }, { role: 'admin' }])('stays one: %j', async (changes) => {
    expect(await update(owner, owner, changes)).toMatchObject(refused);
    expect(await update(owner, owner, { name: 'Still here' })).toMatchObject({
      status: 200,
      body: { role: 'owner', disabledAt: null },
    });
  });

  test('is left when two owners remove each other at once', async () => {
    const [one, other] = [await tested.addAccount('owner'), await tested.addAccount('owner')];
    await tested.query(`UPDATE accounts SET role = 'viewer' WHERE id = '${owner.id}'`);
    // Both are known as owners before either acts.
    for (const each of [one, other]) await update(each, each, { name: 'Owner' });
    const answers = await Promise.all([
      update(one, other, { role: 'viewer' }),
      update(other, one, { disabled: true }),
    ]);
    // The second is no owner any more, or logged out.
    const statuses = answers.map(({ status }) => status).toSorted();
    expect([
      [200, 401],
      [200, 403],
    ]).toContainEqual(statuses);
    const left = await tested.query(`SELECT id FROM accounts WHERE role = 'owner' AND disabled_at IS NULL`);
    expect(left).toHaveLength(1);
    await tested.query(`UPDATE accounts SET role = 'viewer' WHERE id IN ('${one.id}', '${other.id}')`);
  });
});

test('rights that have ended do nothing lasting while they are still remembered', async () => {
  const slow = await openTestApi({ authCacheMs: 3_600_000 });
  const [boss, eve, demoted] = [
    await slow.addAccount('owner'),
    await slow.addAccount('member'),
    await slow.addAccount('owner'),
  ];
  const disabled = await slow.addAccount('owner');
  const { body: spare } = await slow.call('POST', '/v1/api-keys', { name: 'spare', scopes: ['read'] });
  const tries = ({ headers }: TestAccount) =>
    Promise.all([
      slow.call('PUT', `/v1/accounts/${eve.id}`, { role: 'owner' }, headers),
      slow.call('POST', '/v1/invitations', { email: 'mine@example.com', role: 'admin' }, headers),
      slow.call('POST', '/v1/api-keys', { name: 'mine', scopes: ['manage'] }, headers),
      slow.call('POST', `/v1/api-keys/${spare.id}/rotate`, {}, headers),
      slow.call('POST', '/v1/recipients/ada/tokens', {}, headers),
    ]);
  await slow.call('PUT', '/v1/recipients/ada', {});
  for (const { headers } of [demoted, disabled])
    expect((await slow.call('GET', '/v1/accounts', undefined, headers)).status).toBe(200);
  await slow.call('PUT', `/v1/accounts/${demoted.id}`, { role: 'viewer' }, boss.headers);
  await slow.call('PUT', `/v1/accounts/${disabled.id}`, { disabled: true }, boss.headers);
  expect((await slow.call('GET', '/v1/accounts', undefined, demoted.headers)).status).toBe(200);
  expect((await tries(demoted)).map(({ body }) => body.code)).toEqual(Array(5).fill('forbidden'));
  expect((await tries(disabled)).map(({ body }) => body.code)).toEqual(Array(5).fill('unauthorized'));
  await slow.close();
});

test('an account that never was is not found', async () => {
  const nobody = { id: 'acc_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1' };
  expect(await update(owner, nobody, { name: 'x' })).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
});

test('sessions are listed and ended by the account they are of, and by nobody else', async () => {
  const eve = await tested.addAccount('viewer');
  const { email, password } = eve;
  const headers = { authorization: '', 'user-agent': `A browser ${'x'.repeat(400)}` };
  const again = await tested.call('POST', '/v1/auth/login', { email, password }, headers);
  const second = again.headers.get('set-cookie')?.match(/ses_[0-9a-f]{32}/)?.[0] ?? '';
  const { body } = await tested.call('GET', '/v1/sessions', undefined, eve.headers);
  expect(body.items).toMatchObject([
    { id: second, current: false, userAgent: headers['user-agent'].slice(0, 300) },
    { id: eve.sessionId, current: true },
  ]);
  const revoke = (as: TestAccount) => tested.call('DELETE', `/v1/sessions/${second}`, undefined, as.headers);
  expect(await revoke(owner)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await revoke(eve)).toMatchObject({ status: 200, body: { id: second } });
  expect(await revoke(eve)).toMatchObject({ status: 404 });
  expect((await tested.call('GET', '/v1/sessions', undefined, eve.headers)).body.items).toHaveLength(1);
});
