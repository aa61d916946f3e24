import { createTidings, type Tidings } from '@tidings/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountOf, type ProjectAccount } from '../../../../test/support/account.ts';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let tidings: Tidings;
let admin: ProjectAccount;
let keys: string[];
beforeAll(async () => {
  tested = await openTestApi();
  tidings = createTidings({ url: (await tested.listen()).url, apiKey: tested.key });
  admin = await accountOf(tested, 'admin');
  keys = [];
  for (const name of ['one', 'two', 'three', 'four', 'five']) {
    keys.push((await tidings.apiKeys.create.mutate({ name, scopes: ['read'] })).id);
  }
  await tidings.apiKeys.revoke.mutate({ id: keys[0] ?? '' });
  await admin.call('POST', '/v1/projects', { key: 'shop', name: 'Shop' });
});
afterAll(() => tested.close());

test('an entry says who did what to what, from where and in which request, and no values', async () => {
  const answer = await tested.call('PUT', '/v1/projects/default', { name: 'The secret name' });
  const { items } = await tidings.audit.list.query({ limit: 1 });
  const [, id] = tested.key.split('_');
  expect(items).toMatchObject([
    {
      actor: { kind: 'key', id },
      action: 'projects.update',
      target: 'default',
      fields: ['name'],
      requestId: answer.headers.get('x-request-id'),
    },
  ]);
  expect(JSON.stringify(items)).not.toContain('secret name');
  const [created] = (await tidings.audit.list.query({ target: keys[1] })).items;
  expect(created).toMatchObject({ address: '127.0.0.1', action: 'apiKeys.create' });
});

test('what failed is not on record, what was only read neither', async () => {
  const before = await tidings.audit.list.query({});
  await tested.call('GET', `/v1/api-keys/${keys[1]}`);
  await tested.call('POST', '/v1/api-keys', { name: 'x', scopes: ['nonsense'] });
  await tested.call('POST', `/v1/api-keys/${keys[0]}/rotate`);
  const release = await tested.lockRecord();
  expect((await tested.call('POST', `/v1/api-keys/${keys[1]}/revoke`)).status).toBe(503);
  await release();
  expect(await tidings.audit.list.query({})).toEqual(before);
});

test('entries are found by who, what and to what', async () => {
  const actions = async (query: object) =>
    (await tidings.audit.list.query(query)).items.map(({ action }) => action);
  expect(await actions({ target: keys[0] })).toEqual(['apiKeys.revoke', 'apiKeys.create']);
  expect(await actions({ target: keys[0], action: 'apiKeys.create' })).toEqual(['apiKeys.create']);
  expect(await actions({ actorId: tested.key.split('_')[1], action: 'apiKeys.revoke' })).toHaveLength(1);
  expect(await actions({ actorId: 'nobody' })).toEqual([]);
});

test('pages lead through all entries once, newest first, there and back', async () => {
  const pageOf = (query: object) =>
    tidings.audit.list.query({ action: 'apiKeys.create', limit: 2, ...query });
  const one = await pageOf({});
  const two = await pageOf({ after: one.after ?? '' });
  const three = await pageOf({ after: two.after ?? '' });
  expect([one, two, three].flatMap(({ items }) => items.map(({ target }) => target))).toEqual(
    keys.toReversed(),
  );
  expect([one.before, three.after]).toEqual([null, null]);
  expect(await pageOf({ before: three.before ?? '' })).toEqual(two);
  expect((await pageOf({ before: two.before ?? '' })).items).toEqual(one.items);
});

test("the instance's entries are for admins, and are not among a project's", async () => {
  const ofInstance = await admin.call('GET', '/v1/audit?of=instance&action=projects.create');
  expect(ofInstance.body.items).toMatchObject([
    { action: 'projects.create', target: 'shop', actor: { kind: 'account', id: admin.id } },
  ]);
  expect((await admin.call('GET', '/v1/audit')).text).not.toContain('projects.create');
  expect(await tested.call('GET', '/v1/audit?of=instance')).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});

test('another project has a trail of its own', async () => {
  const authorization = `Bearer ${await tested.addProject('stranger')}`;
  expect((await tested.call('GET', '/v1/audit', undefined, { authorization })).body.items).toEqual([]);
  const filtered = `/v1/audit?target=${keys[0]}`;
  expect((await tested.call('GET', filtered, undefined, { authorization })).body.items).toEqual([]);
});
