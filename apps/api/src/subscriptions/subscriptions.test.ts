import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSeal, openSigningSecrets, secretsInUse } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

let made = 0;
const newName = () => {
  made += 1;
  return `consumer-${made}`;
};
const queue = { kind: 'queue' };
const webhook = { kind: 'webhook', url: 'https://shop.example/webhooks' };
const notify = { kind: 'notify', to: { recipientId: '/data/customerId' }, template: 'not_there_yet' };
const create = (fields: object = {}) =>
  tested.call('POST', '/v1/subscriptions', {
    name: newName(),
    types: ['order.*'],
    settings: queue,
    ...fields,
  });
const idOf = async (fields?: object) => (await create(fields)).body.id as string;
const put = (id: string, body: object) => tested.call('PUT', `/v1/subscriptions/${id}`, body);
const act = (id: string, action: string, body: object = {}) =>
  tested.call('POST', `/v1/subscriptions/${id}/${action}`, body);
const given = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

async function rowOf(id: string) {
  const projectId = await tested.store.ensureProject({ id: 'prj_none', key: 'default' });
  const row = await tested.store.getSubscription(projectId, id);
  if (row === undefined) throw new Error(`no ${id}`);
  return row;
}

async function secretsOf(id: string) {
  const { sealed } = await rowOf(id);
  return openSigningSecrets(findSeal({ DATA_DIR: tested.dataDir }), id, sealed ?? '');
}

describe('a consumer', () => {
  test('of each kind is made, told where it is, and shown with what waits for it', async () => {
    for (const settings of [queue, webhook, notify]) {
      const answer = await create({ settings, filter: 'data.total >= 100' });
      expect(answer, answer.text).toMatchObject({
        status: 201,
        body: { kind: settings.kind, status: 'active', filter: 'data.total >= 100', settings },
      });
      const location = `/v1/subscriptions/${answer.body.id}`;
      expect(answer.headers.get('location')).toBe(location);
      const { secret, ...view } = answer.body;
      expect(typeof secret).toBe(settings.kind === 'webhook' ? 'string' : 'object');
      const found = await tested.call('GET', location);
      expect(found.body).toEqual({ ...view, waiting: 0, sending: 0, failed: 0 });
    }
  });

  test('that names happenings is asked for them, unless it notifies', async () => {
    const types = ['order.*', 'message.failed'];
    expect((await rowOf(await idOf({ types }))).ofHappenings).toBe(true);
    expect((await rowOf(await idOf({ types: ['*'] }))).ofHappenings).toBe(false);
    const rule = await idOf({ types, settings: notify });
    expect((await rowOf(rule)).ofHappenings).toBe(false);
    const changed = await idOf();
    await put(changed, { types });
    expect((await rowOf(changed)).ofHappenings).toBe(true);
    await put(changed, { name: newName() });
    expect((await rowOf(changed)).ofHappenings).toBe(true);
  });

  test('has a name of its own in its project, of several at once too, and leaves it behind', async () => {
    const name = newName();
    const answers = await Promise.all(Array.from({ length: 3 }, () => create({ name })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const other = await idOf();
    expect(await put(other, { name })).toMatchObject({
      status: 409,
      body: { code: 'subscription_name_taken', errors: [{ pointer: '/name' }] },
    });
    const id = answers.find(({ status }) => status === 201)?.body.id as string;
    expect((await tested.call('DELETE', `/v1/subscriptions/${id}`)).body).toEqual({ id });
    expect((await tested.call('GET', `/v1/subscriptions/${id}`)).status).toBe(404);
    expect((await put(other, { name })).body).toMatchObject({ id: other, name });
  });

  test('whose filter cannot be used is refused, made or changed', async () => {
    const refused = { status: 422, body: { code: 'invalid_subscription', errors: [{ pointer: '/filter' }] } };
    const id = await idOf({ filter: 'data.a == 1' });
    for (const filter of [
      'data.total >=',
      'order.total > 3',
      'data.name.matches("(a+)+$")',
      'data.total + 1',
    ]) {
      expect(await create({ filter }), filter).toMatchObject(refused);
      expect(await put(id, { filter }), filter).toMatchObject(refused);
    }
    expect((await put(id, { filter: null })).body).toMatchObject({ filter: null });
  });

  test('that is described wrongly is refused with the place', async () => {
    const refusals: Array<[object, string]> = [
      [{ types: [] }, '/types'],
      [{ types: ['order.*.created'] }, '/types/0'],
      [{ name: 'Not A Name' }, '/name'],
      [{ settings: { kind: 'webhook', url: 'ftp://shop.example' } }, '/settings/url'],
      [{ settings: { kind: 'webhook', url: '' } }, '/settings/url'],
      [{ settings: { kind: 'webhook', url: 'https://user:pass@shop.example' } }, '/settings/url'],
      [{ settings: { ...notify, category: '' } }, '/settings/category'],
      [{ settings: { ...notify, to: { recipientId: 'customerId' } } }, '/settings/to'],
      [{ settings: { ...notify, data: { text: { value: 'x'.repeat(32_768) } } } }, '/settings/data'],
      [{ secret: 'whsec_short', settings: webhook }, '/secret'],
    ];
    for (const [fields, pointer] of refusals) {
      const answer = await create(fields);
      expect(answer, answer.text).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(answer.text).toContain(`"pointer":"${pointer}`);
    }
    expect(await create({ secret: given })).toMatchObject({
      status: 422,
      body: { code: 'invalid_subscription', errors: [{ pointer: '/secret' }] },
    });
  });

  test('stays of its kind, and ordered or not', async () => {
    const id = await idOf({ settings: { ...webhook, ordered: true } });
    expect(await put(id, { settings: queue })).toMatchObject({
      status: 422,
      body: { code: 'invalid_subscription', errors: [{ pointer: '/settings/kind' }] },
    });
    expect(await put(id, { settings: webhook })).toMatchObject({
      status: 422,
      body: { code: 'invalid_subscription', errors: [{ pointer: '/settings/ordered' }] },
    });
    const settings = { ...webhook, url: 'https://shop.example/other', ordered: true };
    expect((await put(id, { settings })).body).toMatchObject({ settings, types: ['order.*'] });
  });

  test('is paused and resumed, however often it is said', async () => {
    const id = await idOf();
    for (const action of ['pause', 'pause']) {
      expect((await act(id, action)).body).toMatchObject({ id, status: 'paused' });
    }
    for (const action of ['resume', 'resume']) {
      expect((await act(id, action)).body).toMatchObject({ id, status: 'active' });
    }
    await tested.query(`UPDATE subscriptions SET status = 'disabled', reason = 'endpoint_gone', failing_since = 5,
      held_until = 6, holds = 2 WHERE id = '${id}'`);
    expect((await act(id, 'pause')).body).toMatchObject({ status: 'disabled', reason: 'endpoint_gone' });
    expect((await act(id, 'resume')).body).toMatchObject({
      status: 'active',
      reason: null,
      failingSince: null,
      heldUntil: null,
    });
    expect((await rowOf(id)).holds).toBe(0);
  });

  test('is told from those of all others by what is on record of its changes', async () => {
    const id = await idOf({ settings: webhook });
    await put(id, { types: ['*'], filter: null });
    await act(id, 'pause');
    await act(id, 'resume');
    await act(id, 'rotate-secret');
    await tested.call('DELETE', `/v1/subscriptions/${id}`);
    const { body } = await tested.call('GET', `/v1/audit?target=${id}`);
    const items = body.items as Array<{ action: string; fields: string[] }>;
    expect(items.map(({ action, fields }) => [action, fields]).reverse()).toEqual([
      ['subscriptions.create', []],
      ['subscriptions.update', ['types', 'filter']],
      ['subscriptions.pause', []],
      ['subscriptions.resume', []],
      ['subscriptions.rotateSecret', []],
      ['subscriptions.remove', []],
    ]);
  });

  test('that is not there is not found', async () => {
    const id = `sub_${'0'.repeat(32)}`;
    const answers = [
      await tested.call('GET', `/v1/subscriptions/${id}`),
      await put(id, { types: ['*'] }),
      await tested.call('DELETE', `/v1/subscriptions/${id}`),
      ...(await Promise.all(['pause', 'resume', 'rotate-secret'].map((action) => act(id, action)))),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('is one of at most 200 of its project', async () => {
    const key = await tested.addProject('crowded');
    const headers = { authorization: `Bearer ${key}` };
    const add = (name: string) =>
      tested.call('POST', '/v1/subscriptions', { name, types: ['*'], settings: queue }, headers);
    for (let index = 0; index < 200; index += 1) expect((await add(`one-${index}`)).status).toBe(201);
    expect(await add('one-more')).toMatchObject({ status: 422, body: { code: 'too_many_subscriptions' } });
    const { body } = await tested.call('GET', '/v1/subscriptions', undefined, headers);
    const names = (body.items as Array<{ name: string }>).map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    expect(names).toHaveLength(200);
  });
});

describe('the secret of a webhook', () => {
  test('is made or taken, shown once, and nowhere in the record as it is', async () => {
    const one = await create({ settings: webhook });
    expect(one.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const id = await idOf({ settings: webhook, secret: given });
    expect(await secretsOf(id)).toEqual({ current: given });
    const shown = [
      await tested.call('GET', `/v1/subscriptions/${id}`),
      await tested.call('GET', '/v1/subscriptions'),
      await put(id, { settings: webhook }),
      await tested.call('GET', `/v1/audit?target=${id}`),
    ];
    for (const { text } of shown) expect(text).not.toContain('whsec_');
    const files = readdirSync(tested.dataDir, { withFileTypes: true }).filter((file) => file.isFile());
    for (const { name } of files) {
      expect(readFileSync(join(tested.dataDir, name)).includes('whsec_'), name).toBe(false);
    }
  });

  test('is rotated, and the one before used as well for as long as is said', async () => {
    const id = await idOf({ settings: webhook, secret: given });
    const before = Date.now();
    const { body } = await act(id, 'rotate-secret', { overlapSeconds: 60 });
    const until = Date.parse(body.previousUntil as string);
    expect(until).toBeGreaterThanOrEqual(before + 60_000);
    const secrets = await secretsOf(id);
    expect(secretsInUse(secrets, until - 1)).toEqual([body.secret, given]);
    expect(secretsInUse(secrets, until)).toEqual([body.secret]);
    const again = await act(id, 'rotate-secret', { secret: body.secret });
    expect(again.body).toEqual(body);
    const at = await act(id, 'rotate-secret', { secret: given, overlapSeconds: 0 });
    expect(at.body).toEqual({ id, secret: given, previousUntil: null });
    expect(secretsInUse(await secretsOf(id), Date.now())).toEqual([given]);
  });

  test('is rotated by each of several at once, one after the other', async () => {
    const id = await idOf({ settings: webhook });
    const answers = await Promise.all(Array.from({ length: 3 }, () => act(id, 'rotate-secret')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const made = answers.map(({ body }) => body.secret);
    const inUse = secretsInUse(await secretsOf(id), Date.now());
    expect(inUse).toHaveLength(2);
    for (const secret of inUse) expect(made).toContain(secret);
  });

  test('that cannot be opened any more is replaced', async () => {
    const id = await idOf({ settings: webhook });
    await tested.query(`UPDATE subscriptions SET sealed = 'v1.00000000.x.x' WHERE id = '${id}'`);
    const { body } = await act(id, 'rotate-secret', { secret: given });
    expect(body).toEqual({ id, secret: given, previousUntil: null });
    expect(await secretsOf(id)).toEqual({ current: given });
  });

  test('is nothing that other kinds have', async () => {
    const refused = await act(await idOf(), 'rotate-secret');
    expect(refused).toMatchObject({ status: 409, body: { code: 'not_a_webhook' } });
  });
});
