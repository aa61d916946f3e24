import { upsertManyOutput } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const put = (externalId: string, body: object = {}) =>
  tested.call('PUT', `/v1/recipients/${encodeURIComponent(externalId)}`, body);
const get = (id: string) => tested.call('GET', `/v1/recipients/${encodeURIComponent(id)}`);

describe('one recipient', () => {
  test('attributes are replaced as a whole, emptied by null, and kept when left out', async () => {
    await put('attributed', { attributes: { plan: 'pro', nested: { deep: [1] } } });
    expect((await put('attributed', { name: 'A' })).body.attributes).toEqual({
      plan: 'pro',
      nested: { deep: [1] },
    });
    expect((await put('attributed', { attributes: { city: 'Paris' } })).body.attributes).toEqual({
      city: 'Paris',
    });
    expect((await put('attributed', { attributes: null })).body.attributes).toEqual({});
  });

  test('attributes may have 16,384 bytes as JSON, and not one more', async () => {
    const ofBytes = (bytes: number) => ({ attributes: { a: 'é'.repeat((bytes - 8) / 2) } });
    expect((await put('large', ofBytes(16_384))).status).toBe(200);
    expect(await put('large', ofBytes(16_386))).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer: '/attributes' }] },
    });
  });

  test('quiet hours are set and taken back', async () => {
    const quietHours = { from: '22:00', to: '07:00' };
    expect((await put('quiet', { quietHours })).body.quietHours).toEqual(quietHours);
    expect((await put('quiet', { name: 'Q' })).body.quietHours).toEqual(quietHours);
    expect((await put('quiet', { quietHours: null })).body.quietHours).toBeNull();
  });

  test.each([
    [{ from: '22:00', to: '22:00' }, '/quietHours/to'],
    [{ from: '24:00', to: '07:00' }, '/quietHours/from'],
    [{ from: '22:00', to: '7:00' }, '/quietHours/to'],
    [{ from: '22:00' }, '/quietHours/to'],
  ])('quiet hours %j are refused', async (quietHours, pointer) => {
    const answer = await put('quiet', { quietHours });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer }] } });
  });

  test('an external id that looks like a tombstone is refused', async () => {
    expect((await put('erased:someone')).status).toBe(400);
  });

  test('a change is in the audit trail, with the names of fields and without what they hold', async () => {
    const { body } = await put('audited', { name: 'Secret Name', email: 'secret@example.com' });
    const projectId = await tested.store.ensureProject({ id: 'prj_none', key: 'default' });
    const [row] = await tested.store.listAudit(projectId, { target: body.id as string, limit: 5 });
    expect(row).toMatchObject({ action: 'recipients.upsert', actorKind: 'key', fields: ['name', 'email'] });
    expect(JSON.stringify(row)).not.toMatch(/secret/i);
  });
});

describe('many recipients', () => {
  const many = (items: unknown, api = tested) => api.call('PUT', '/v1/recipients', { items });

  test('one bad item does not spoil the others: each gets its result, in the order of the request', async () => {
    await put('m-known', { name: 'Known', email: 'known@example.com' });
    const answer = await many([
      { externalId: 'm-new', name: 'New' },
      { externalId: 'm-bad', email: 'no address', quietHours: { from: 'x', to: '07:00' } },
      'not even an object',
      { externalId: 'm-known', name: null },
      { externalId: 'rcp_mine' },
      null,
      { externalId: 'm-new', locale: 'fr' },
      { externalId: 'm-unknown', color: 'red' },
    ]);
    expect(answer.status).toBe(200);
    const results = upsertManyOutput.parse(answer.body).items;
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const told = results.map((one) => ('error' in one ? one.error.code : one.externalId));
    const bad = 'invalid_request';
    expect(told).toEqual(['m-new', bad, bad, 'm-known', bad, bad, 'm-new', bad]);
    const pointers = results.map((one) => 'error' in one && one.error.errors?.map(({ pointer }) => pointer));
    expect(pointers[1]).toEqual(['/email', '/quietHours/from']);
    expect((await get('m-new')).body).toMatchObject({ name: 'New', locale: 'fr' });
    expect((await get('m-known')).body).toMatchObject({ name: null, email: 'known@example.com' });
    expect((await get('m-bad')).status).toBe(404);
  });

  test('1,000 are stored in one request', async () => {
    const items = Array.from({ length: 1000 }, (_, index) => ({ externalId: `thousand-${index}` }));
    const results = upsertManyOutput.parse((await many(items)).body).items;
    expect(new Set(results.map((one) => 'id' in one && one.id)).size).toBe(1000);
    expect((await get('thousand-999')).status).toBe(200);
  });

  test.each([
    ['1,001 items', Array.from({ length: 1001 }, () => ({ externalId: 'x' }))],
    ['no item', []],
    ['no list', { 0: { externalId: 'x' } }],
  ])('%s: refused as a whole', async (_, items) => {
    expect(await many(items)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer: '/items' }] },
    });
  });

  test('an item that the record refuses for reasons of its own fails alone', async () => {
    const api = await openTestApi({
      changeStore: (store) => ({
        upsertRecipients: async (changes) => {
          if (changes.some(({ input }) => input.externalId === 'cursed'))
            throw new Error('constraint failed');
          return store.upsertRecipients(changes);
        },
      }),
    });
    const { body } = await many([{ externalId: 'a' }, { externalId: 'cursed' }, { externalId: 'b' }], api);
    expect(body.items).toMatchObject([
      { externalId: 'a' },
      { error: { code: 'internal' } },
      { externalId: 'b' },
    ]);
    await api.close();
  });

  test('while nothing can be stored the whole request is refused with 503, to be repeated', async () => {
    const release = await tested.lockRecord();
    const answer = await many([{ externalId: 'late' }]);
    await release();
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });
});

describe('the list', () => {
  let listed: TestApi;
  beforeAll(async () => {
    listed = await openTestApi();
    const people = [
      { externalId: 'user-1', name: 'Ada Lovelace', email: 'Ada@Example.com' },
      { externalId: 'USER-2', name: 'Émile Zola', email: 'zola@example.com' },
      { externalId: '50%_off', name: '100% Percy' },
      { externalId: '50 plain', name: 'a_b' },
      { externalId: 'user-5', name: 'ﬁona', email: 'ada.other@example.com' },
      { externalId: 'greek', name: 'ΣΙΣΥΦΟΣ', email: 'sisyphos@example.org' },
      { externalId: 'turkish', name: 'İstanbul Irmak' },
      { externalId: 'x'.repeat(255), name: 'ﷺ'.repeat(200) },
    ];
    const { body } = await listed.call('PUT', '/v1/recipients', { items: people });
    expect((body.items as object[]).every((item) => 'id' in item)).toBe(true);
  });
  afterAll(() => listed.close());

  async function found(search: string): Promise<string[]> {
    const { status, body } = await listed.call('GET', `/v1/recipients?search=${encodeURIComponent(search)}`);
    expect(status).toBe(200);
    return (body.items as Array<{ externalId: string }>).map(({ externalId }) => externalId);
  }

  test.each([
    ['an external id, whatever its case', 'user-', ['user-5', 'USER-2', 'user-1']],
    ['an e-mail address', 'ADA', ['user-5', 'user-1']],
    ['a name', 'ada l', ['user-1']],
    ['a name with an accent', 'émile', ['USER-2']],
    ['the same in capitals and in two characters', 'E\u0301MILE', ['USER-2']],
    ['a ligature by its letters', 'fio', ['user-5']],
    ['a percent sign, which is one', '50%', ['50%_off']],
    ['an underscore, which is one', 'a_', ['50 plain']],
    ['an underscore that is not there', '50_', []],
    ['a percent sign alone', '%', []],
    ['what stands in the middle only', 'lovelace', []],
    ['a quote', "' or 1=1 --", []],
    ['a sigma at the end, that is in the middle of a word', 'σις', ['greek']],
    ['an I with a dot, without it', 'ist', ['turkish']],
    ['a character that becomes many', 'ﷺ', ['x'.repeat(255)]],
  ])('finds %s', async (_, search, expected) => {
    expect(await found(search)).toEqual(expected);
  });

  test('pages lead through all recipients once, there and back', async () => {
    const pageOf = async (query: string) => {
      const { body } = await listed.call('GET', `/v1/recipients?limit=4${query}`);
      return body as { items: Array<{ id: string }>; after: string | null; before: string | null };
    };
    const one = await pageOf('');
    const two = await pageOf(`&after=${one.after}`);
    expect([one.items.length, two.items.length]).toEqual([4, 4]);
    expect(new Set([...one.items, ...two.items].map(({ id }) => id)).size).toBe(8);
    expect([one.before, two.after]).toEqual([null, null]);
    expect(await pageOf(`&before=${two.before}`)).toEqual(one);
  });

  test('nobody of another project is in it', async () => {
    const other = await listed.addProject('other');
    const { body } = await listed.call('GET', '/v1/recipients?search=user', undefined, {
      authorization: `Bearer ${other}`,
    });
    expect(body.items).toEqual([]);
  });
});
