import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountOf } from '../../../../test/support/account.ts';
import { type Answer, openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { enginesOfTests } from '../../../../test/support/engines.ts';
import { until } from '../../../../test/support/until.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi({ authCacheMs: 100 });
});
afterAll(() => tested.close());

const bearer = (key: unknown) => ({ authorization: `Bearer ${key}` });
const create = (body: object, headers?: Record<string, string>) =>
  tested.call('POST', '/v1/api-keys', { name: 'spare', scopes: ['read'], ...body }, headers);
const made = async (body: object = {}) => {
  const answer = await create(body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body as { id: string; key: string; expiresAt: string | null };
};
const isGood = async (key: string) =>
  (await tested.call('GET', '/v1/notifications', undefined, bearer(key))).status === 200;
const pointersOf = ({ body }: Answer) =>
  (body.errors as Array<{ pointer: string }>).map(({ pointer }) => pointer);
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('a new key', () => {
  test('is told once, is good at once, and is kept nowhere', async () => {
    const answer = await create({ name: 'checkout', scopes: ['read', 'manage'] });
    expect(answer).toMatchObject({ status: 201, body: { name: 'checkout', scopes: ['read', 'manage'] } });
    const { id, key } = answer.body as { id: string; key: string };
    expect(key).toMatch(new RegExp(`^tk_${id}_[0-9A-Za-z_-]{43}$`));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('location')).toBe(`/v1/api-keys/${id}`);
    expect(await isGood(key)).toBe(true);
    const secret = key.split('_').slice(2).join('_');
    for (const path of [`/v1/api-keys/${id}`, '/v1/api-keys', '/v1/audit']) {
      const { status, text } = await tested.call('GET', path);
      expect(status).toBe(200);
      expect(text).toContain(id);
      expect(text).not.toContain(secret);
    }
  });

  test.runIf(enginesOfTests.endsWith('sqlite'))('leaves no secret in the files of the record', async () => {
    const { key, id } = await made();
    const files = readdirSync(tested.dataDir).filter((name) => name.startsWith('tidings.db'));
    const record = files.map((name) => readFileSync(join(tested.dataDir, name), 'latin1')).join('');
    expect(record).toContain(id);
    expect(record).not.toContain(key.slice(-30));
  });

  test('has the scopes it was given and no others', async () => {
    const { key } = await made({ scopes: ['send'] });
    expect((await tested.call('GET', '/v1/notifications', undefined, bearer(key))).status).toBe(403);
    expect((await tested.call('GET', '/v1/api-keys', undefined, bearer(key))).status).toBe(403);
  });

  test('ends in the future that there is, has a scope, and each once', async () => {
    // The last is in the year 10000, which RFC 3339 cannot write.
    for (const expiresAt of ['2020-01-01T00:00:00Z', '2200-01-01T00:00:00Z', '9999-12-31T23:59:59-23:00']) {
      const refused = await create({ expiresAt });
      expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_time' } });
      expect(pointersOf(refused)).toEqual(['/expiresAt']);
    }
    for (const scopes of [[], ['read', 'read'], ['owner']]) {
      expect(await create({ scopes })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    }
  });

  test('names who made it: another key, or an account', async () => {
    const { id } = await made();
    const [, own] = tested.key.split('_');
    expect((await tested.call('GET', `/v1/api-keys/${id}`)).body.createdBy).toBe(own);
    const admin = await accountOf(tested, 'admin');
    const byAdmin = await admin.call('POST', '/v1/api-keys', { name: 'x', scopes: ['manage'] });
    expect(byAdmin).toMatchObject({ status: 201, body: { createdBy: admin.id } });
  });
});

describe('nobody raises himself', () => {
  test('a key makes none with a scope that it lacks', async () => {
    const { key } = await made({ scopes: ['manage', 'read'] });
    const refused = await create({ scopes: ['read', 'send'] }, bearer(key));
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(pointersOf(refused)).toEqual(['/scopes/1']);
    expect((await create({ scopes: ['read', 'manage'] }, bearer(key))).status).toBe(201);
  });

  test('a key makes none that outlives it', async () => {
    const { key, expiresAt } = await made({ scopes: ['manage'], expiresAt: inMs(3_600_000) });
    for (const longer of [{}, { expiresAt: inMs(7_200_000) }]) {
      const refused = await create({ scopes: ['manage'], ...longer }, bearer(key));
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(pointersOf(refused)).toEqual(['/expiresAt']);
    }
    expect((await create({ scopes: ['manage'], expiresAt }, bearer(key))).status).toBe(201);
  });

  test('a key cannot get a stronger or more lasting one by rotating it', async () => {
    const weak = await made({ scopes: ['manage'] });
    const passing = await made({ scopes: ['manage', 'send', 'read'], expiresAt: inMs(3_600_000) });
    const strong = await made({ scopes: ['manage', 'send', 'read'] });
    for (const { key } of [weak, passing]) {
      const refused = await tested.call('POST', `/v1/api-keys/${strong.id}/rotate`, {}, bearer(key));
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await tested.call('GET', `/v1/api-keys/${strong.id}`)).body.rotatedTo).toBeNull();
    expect((await tested.call('POST', `/v1/api-keys/${weak.id}/rotate`, {}, bearer(weak.key))).status).toBe(
      201,
    );
  });

  test('an account makes no keys unless its role manages projects', async () => {
    for (const role of ['member', 'viewer'] as const) {
      const account = await accountOf(tested, role);
      const refused = await account.call('POST', '/v1/api-keys', { name: 'x', scopes: ['read'] });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });
});

test('a revoked key makes no other while it is still believed', async () => {
  const slow = await openTestApi({ authCacheMs: 3_600_000 });
  const { body } = await slow.call('POST', '/v1/api-keys', { name: 'leaked', scopes: ['manage', 'read'] });
  const withIt = (method: string, path: string, input?: object) =>
    slow.call(method, path, input, bearer(body.key));
  const another = { name: 'hidden', scopes: ['read'] };
  const { body: spare } = await withIt('POST', '/v1/api-keys', another);
  await slow.call('POST', `/v1/api-keys/${body.id}/revoke`);
  expect((await withIt('GET', '/v1/notifications')).status).toBe(200);
  expect((await withIt('POST', '/v1/api-keys', another)).body.code).toBe('forbidden');
  expect((await withIt('POST', `/v1/api-keys/${spare.id}/rotate`)).body.code).toBe('forbidden');
  await slow.close();
});

test('the token of a recipient ends with the key that made it, and a revoked key makes none', async () => {
  const slow = await openTestApi({ authCacheMs: 3_600_000 });
  await slow.call('PUT', '/v1/recipients/ada', {});
  const { body } = await slow.call('POST', '/v1/api-keys', {
    name: 'passing',
    scopes: ['manage'],
    expiresAt: inMs(60_000),
  });
  const tokenOf = (lifetimeSeconds: number) =>
    slow.call('POST', '/v1/recipients/ada/tokens', { lifetimeSeconds }, bearer(body.key));
  const made = await tokenOf(86_400);
  expect(made.status).toBe(201);
  expect(Date.parse(String(made.body.expiresAt))).toBeLessThanOrEqual(Date.parse(String(body.expiresAt)));
  await slow.call('POST', `/v1/api-keys/${body.id}/revoke`);
  expect(await tokenOf(60)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  await slow.close();
});

describe('rotation', () => {
  const rotate = (id: string, body: object = {}) => tested.call('POST', `/v1/api-keys/${id}/rotate`, body);

  test('gives a key of the same name and scopes, and both are good for the overlap', async () => {
    const old = await made({ name: 'checkout', scopes: ['read', 'send'] });
    const answer = await rotate(old.id, { overlapSeconds: 3600 });
    expect(answer).toMatchObject({
      status: 201,
      body: { name: 'checkout', scopes: ['read', 'send'], expiresAt: null, rotatedTo: null },
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { id, key } = answer.body as { id: string; key: string };
    expect([await isGood(old.key), await isGood(key)]).toEqual([true, true]);
    const { body } = await tested.call('GET', `/v1/api-keys/${old.id}`);
    expect(body.rotatedTo).toBe(id);
    expect(Math.abs(Date.parse(String(body.expiresAt)) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  test('without an overlap the old key is refused, and the new one is good', async () => {
    const old = await made();
    expect(await isGood(old.key)).toBe(true);
    const { body } = await rotate(old.id, { overlapSeconds: 0 });
    await until(
      () => isGood(old.key),
      (good) => !good,
    );
    expect(await isGood(String(body.key))).toBe(true);
  });

  test('of two at once one answers a key, the other 409', async () => {
    const { id } = await made();
    const answers = await Promise.all([rotate(id), rotate(id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body.code).toBe('api_key_ended');
  });

  test('an overlap of more than 30 days, or less than none, is refused', async () => {
    const { id } = await made();
    for (const overlapSeconds of [2_592_001, -1, 1.5]) {
      expect(pointersOf(await rotate(id, { overlapSeconds }))).toEqual(['/overlapSeconds']);
    }
  });
});

describe('an end is an end', () => {
  test('a revoked key stops in every process on the record, and is revoked once', async () => {
    const beside = tested.openBeside();
    const { id, key } = await made();
    const inBoth = async () => [
      await isGood(key),
      (await beside('GET', '/v1/notifications', undefined, bearer(key))).status === 200,
    ];
    expect(await inBoth()).toEqual([true, true]);
    const first = await tested.call('POST', `/v1/api-keys/${id}/revoke`);
    expect(first).toMatchObject({ status: 200, body: { id, revokedAt: expect.any(String) } });
    await until(inBoth, (good) => !good.includes(true));
    const again = await tested.call('POST', `/v1/api-keys/${id}/revoke`);
    expect([again.status, again.body.revokedAt]).toEqual([200, first.body.revokedAt]);
  });

  test('a revoked key stops with the usual settings, too', async () => {
    const usual = await openTestApi();
    const { body } = await usual.call('POST', '/v1/api-keys', { name: 'x', scopes: ['read'] });
    const ask = async () =>
      (await usual.call('GET', '/v1/notifications', undefined, bearer(body.key))).status;
    expect(await ask()).toBe(200);
    await usual.call('POST', `/v1/api-keys/${body.id}/revoke`);
    await until(ask, (status) => status === 401, 10_000);
    await usual.close();
  });

  test('a key ends when it expires, however long it would be believed', async () => {
    const patient = await openTestApi({ authCacheMs: 3_600_000 });
    const { body } = await patient.call('POST', '/v1/api-keys', {
      name: 'passing',
      scopes: ['read'],
      expiresAt: inMs(1500),
    });
    const ask = async () =>
      (await patient.call('GET', '/v1/notifications', undefined, bearer(body.key))).status;
    expect(await ask()).toBe(200);
    await until(ask, (status) => status === 401);
    await patient.close();
  });
});

describe('the last use', () => {
  test('is noted beside the requests, for all of a minute once', async () => {
    const writes: Array<readonly string[]> = [];
    const watched = await openTestApi({
      changeStore: ({ markKeysUsed }) => ({
        markKeysUsed: async (ids) => {
          writes.push(ids);
          await markKeysUsed(ids);
        },
      }),
    });
    const { id } = (await watched.call('POST', '/v1/api-keys', { name: 'x', scopes: ['read'] })).body;
    const [, own = ''] = watched.key.split('_');
    const usedAt = async (key: unknown) => (await watched.call('GET', `/v1/api-keys/${key}`)).body.lastUsedAt;
    await until(
      () => usedAt(own),
      (at) => at !== null,
    );
    expect(await usedAt(id)).toBeNull();
    for (let count = 0; count < 20; count += 1) await usedAt(own);
    await watched.close();
    expect(writes).toEqual([[own]]);
  });

  test('is let go of while it cannot be written, and noted with a later use', async () => {
    let left = 2;
    const broken = await openTestApi({
      changeStore: ({ markKeysUsed }) => ({
        markKeysUsed: async (ids) => {
          left -= 1;
          if (left >= 0) throw new Error('the record is away');
          await markKeysUsed(ids);
        },
      }),
    });
    const [, own] = broken.key.split('_');
    await until(
      async () => {
        const { status, body } = await broken.call('GET', `/v1/api-keys/${own}`);
        expect(status).toBe(200);
        return body.lastUsedAt;
      },
      (at) => at !== null,
    );
    expect(left).toBeLessThan(0);
    await broken.close();
  });
});

test('keys of another project do not exist: to see, rotate or revoke', async () => {
  const { id, key } = await made();
  const stranger = bearer(await tested.addProject('stranger'));
  const asks = [
    ['GET', `/v1/api-keys/${id}`],
    ['POST', `/v1/api-keys/${id}/rotate`],
    ['POST', `/v1/api-keys/${id}/revoke`],
  ] as const;
  for (const [method, path] of asks) {
    const answer = await tested.call(method, path, undefined, stranger);
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
  const listed = await tested.call('GET', '/v1/api-keys', undefined, stranger);
  expect((listed.body.items as unknown[]).length).toBe(1);
  expect(listed.text).not.toContain(id);
  expect((await tested.call('GET', `/v1/api-keys?after=${id}`, undefined, stranger)).body.items).toEqual([]);
  expect(await isGood(key)).toBe(true);
});

test('a key in the query is refused, also beside a good one in its header', async () => {
  for (const name of ['api_key', 'key', 'access_token']) {
    const path = `/v1/notifications?${name}=${tested.key}`;
    expect((await tested.call('GET', path, undefined, { authorization: '' })).status).toBe(401);
    const beside = await tested.call('GET', path);
    expect(beside).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(beside.text).not.toContain(tested.key);
  }
});
