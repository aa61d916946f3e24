import { createTidings, type Tidings } from '@tidings/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let tidings: Tidings;
let projectId: string;
let made = 0;

beforeAll(async () => {
  tested = await openTestApi();
  const server = await tested.listen();
  tidings = createTidings({ url: server.url, apiKey: tested.key });
  projectId = await tested.store.ensureProject({ id: 'prj_other', key: 'default' });
  await tidings.categories.upsert.mutate({ key: 'news', name: 'News', description: 'Once a week' });
  await tidings.categories.upsert.mutate({ key: 'security', name: 'Security', required: true });
});
afterAll(() => tested.close());

async function newRecipient(): Promise<string> {
  made += 1;
  await tidings.recipients.upsert.mutate({ externalId: `user-${made}`, email: 'ada@example.com' });
  return `user-${made}`;
}

/** What holds, as `category channel: enabled by source`. */
async function table(recipientId: string): Promise<string[]> {
  const { categories } = await tidings.preferences.get.query({ recipientId });
  return categories.flatMap(({ key, channels }) =>
    channels.map(({ channel, enabled, source }) => `${key} ${channel}: ${enabled} by ${source}`),
  );
}

describe('what holds for a recipient', () => {
  test('everything is on until somebody says otherwise, and the table says who did', async () => {
    const recipientId = await newRecipient();
    const rest = ['security email: true by required', 'security push: true by required'];
    expect(await table(recipientId)).toEqual([
      'null email: true by default',
      'null push: true by default',
      'news email: true by default',
      'news push: true by default',
      ...rest,
    ]);
    await tidings.preferences.set.mutate({
      recipientId,
      preferences: [
        { channel: 'email', enabled: false },
        { channel: 'email', category: 'news', enabled: true },
        { channel: 'push', category: 'never declared', enabled: false },
      ],
    });
    await tidings.preferenceDefaults.set.mutate({
      preferences: [
        { channel: 'push', enabled: false },
        { channel: 'push', category: 'news', enabled: true },
      ],
    });
    expect(await table(recipientId)).toEqual([
      'null email: false by recipient_channel',
      'null push: false by project_channel',
      'news email: true by recipient_category',
      'news push: true by project_category',
      ...rest,
      'never declared email: false by recipient_channel',
      'never declared push: false by recipient_category',
    ]);
    expect(await tidings.preferenceDefaults.get.query({})).toEqual({
      preferences: [
        { channel: 'push', category: null, enabled: false },
        { channel: 'push', category: 'news', enabled: true },
      ],
    });
  });

  test('null takes a word back, also one that was never said', async () => {
    const recipientId = await newRecipient();
    const before = await table(recipientId);
    const word = { channel: 'email', category: 'news' } as const;
    await tidings.preferences.set.mutate({ recipientId, preferences: [{ ...word, enabled: false }] });
    expect(await table(recipientId)).toContain('news email: false by recipient_category');
    for (const _ of [1, 2]) {
      await tidings.preferences.set.mutate({ recipientId, preferences: [{ ...word, enabled: null }] });
      expect(await table(recipientId)).toEqual(before);
    }
  });

  test('a category says its name and description, and is an ordinary one once it is removed', async () => {
    const recipientId = await newRecipient();
    await tidings.categories.upsert.mutate({ key: 'brief', name: 'Brief', required: true });
    const off = {
      recipientId,
      preferences: [{ channel: 'email', category: 'brief', enabled: false }],
    } as const;
    await expect(
      tidings.preferences.set.mutate({ ...off, preferences: [...off.preferences] }),
    ).rejects.toThrow();
    await tidings.categories.remove.mutate({ key: 'brief' });
    const { categories } = await tidings.preferences.set.mutate({
      ...off,
      preferences: [...off.preferences],
    });
    expect(categories.find(({ key }) => key === 'brief')).toMatchObject({ name: null, required: false });
    expect(categories.find(({ key }) => key === 'news')).toMatchObject({
      name: 'News',
      description: 'Once a week',
    });
  });

  test('quiet hours, zone and language are kept, and only what is given changes', async () => {
    const recipientId = await newRecipient();
    const quietHours = { from: '22:00', to: '07:00' };
    await tidings.preferences.set.mutate({ recipientId, quietHours, timezone: 'Europe/Paris' });
    expect(await tidings.preferences.set.mutate({ recipientId, locale: 'fr' })).toMatchObject({
      quietHours,
      timezone: 'Europe/Paris',
      locale: 'fr',
    });
    expect(await tidings.preferences.set.mutate({ recipientId, quietHours: null })).toMatchObject({
      quietHours: null,
      timezone: 'Europe/Paris',
    });
  });

  test('another project knows nothing of it', async () => {
    const recipientId = await newRecipient();
    const key = await tested.addProject('other');
    const asOther = { authorization: `Bearer ${key}` };
    const path = `/v1/recipients/${recipientId}/preferences`;
    const { recipientId: id } = await tidings.preferences.get.query({ recipientId });
    for (const at of [path, `/v1/recipients/${id}/preferences`]) {
      expect(await tested.call('GET', at, undefined, asOther)).toMatchObject({ status: 404 });
      expect(await tested.call('PUT', at, { locale: 'fr' }, asOther)).toMatchObject({ status: 404 });
    }
    expect((await tested.call('GET', '/v1/categories', undefined, asOther)).body).toEqual({ items: [] });
    expect(await tested.call('DELETE', '/v1/categories/news', undefined, asOther)).toMatchObject({
      status: 404,
    });
    const defaults = await tested.call('GET', '/v1/preference-defaults', undefined, asOther);
    expect(defaults.body).toEqual({ preferences: [] });
  });
});

describe('what is refused', () => {
  test.each([
    ['a recipient', (recipientId: string) => `/v1/recipients/${recipientId}/preferences`],
    ['the project', () => '/v1/preference-defaults'],
  ])('%s cannot switch a required category off, and nothing of the request is kept', async (_, pathFor) => {
    const recipientId = await newRecipient();
    const before = await table(recipientId);
    const preferences = [
      { channel: 'email', category: 'news', enabled: false },
      { channel: 'email', category: 'security', enabled: false },
    ];
    const answer = await tested.call('PUT', pathFor(recipientId), { preferences });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'category_required', errors: [{ pointer: '/preferences/1/enabled' }] },
    });
    expect(await table(recipientId)).toEqual(before);
  });

  test.each([
    ['quiet hours of no length', { quietHours: { from: '22:00', to: '22:00' } }, '/quietHours/to'],
    ['a time that no clock shows', { quietHours: { from: '24:00', to: '07:00' } }, '/quietHours/from'],
    ['half of the quiet hours', { quietHours: { from: '22:00' } }, '/quietHours/to'],
    [
      'a channel that is none',
      { preferences: [{ channel: 'fax', enabled: false }] },
      '/preferences/0/channel',
    ],
    [
      'an empty category',
      { preferences: [{ channel: 'email', category: '', enabled: false }] },
      '/preferences/0/category',
    ],
    ['a zone that is none', { timezone: 'Mars/Olympus' }, '/timezone'],
    [
      'the same twice',
      {
        preferences: [
          { channel: 'email', enabled: false },
          { channel: 'email', enabled: true },
        ],
      },
      '/preferences',
    ],
  ])('%s', async (_, body, pointer) => {
    const recipientId = await newRecipient();
    const answer = await tested.call('PUT', `/v1/recipients/${recipientId}/preferences`, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer }] } });
  });

  test('a recipient says at most so much, and can still change and take back what it said', async () => {
    const recipientId = await newRecipient();
    const path = `/v1/recipients/${recipientId}/preferences`;
    const words = (from: number, count: number, enabled: boolean | null) =>
      Array.from({ length: count }, (_, index) => ({
        channel: 'push',
        category: `c${from + index}`,
        enabled,
      }));
    for (const [from, count] of [
      [0, 200],
      [200, 200],
      [400, 100],
    ] as const) {
      const answer = await tested.call('PUT', path, { preferences: words(from, count, false) });
      expect(answer.status).toBe(200);
    }
    const more = await tested.call('PUT', path, { preferences: words(500, 1, false) });
    expect(more).toMatchObject({ status: 422, body: { code: 'too_many_preferences' } });
    expect((await tested.call('PUT', path, { preferences: words(0, 100, true) })).status).toBe(200);
    expect((await tested.call('PUT', path, { preferences: words(0, 100, null) })).status).toBe(200);
    expect((await tested.call('PUT', path, { preferences: words(500, 1, false) })).status).toBe(200);
  });
});

test('who changed what is on record, by the names of fields and never by what they hold', async () => {
  const recipientId = await newRecipient();
  const { recipientId: id } = await tidings.preferences.set.mutate({
    recipientId,
    preferences: [{ channel: 'email', category: 'news', enabled: false }],
    quietHours: { from: '21:17', to: '07:00' },
  });
  await tidings.preferences.set.mutate({ recipientId });
  await tidings.recipients.createToken.mutate({ recipientId });
  const rows = await tested.store.listAudit(projectId, { target: id, limit: 10 });
  expect(rows.map(({ action, actorKind, fields }) => [action, actorKind, fields])).toEqual([
    ['recipients.createToken', 'key', []],
    ['preferences.set', 'key', ['preferences', 'quietHours']],
    ['recipients.upsert', 'key', ['email']],
  ]);
  await tidings.categories.upsert.mutate({ key: 'audited', name: 'Audited' });
  await tidings.categories.remove.mutate({ key: 'audited' });
  await tidings.preferenceDefaults.set.mutate({ preferences: [{ channel: 'push', enabled: null }] });
  const all = (await tested.store.listAudit(projectId, { limit: 3 })).slice(0, 3);
  expect(all.map(({ action, target }) => [action, target])).toEqual([
    ['preferenceDefaults.set', projectId],
    ['categories.remove', 'audited'],
    ['categories.upsert', 'audited'],
  ]);
  expect(JSON.stringify([rows, all])).not.toMatch(/21:17|07:00/);
});
