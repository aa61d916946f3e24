import { defaultRetention } from '@tidings/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountOf, type ProjectAccount } from '../../../../test/support/account.ts';
import { type Answer, openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { until } from '../../../../test/support/until.ts';

let tested: TestApi;
let admin: ProjectAccount;
beforeAll(async () => {
  tested = await openTestApi({ authCacheMs: 100 });
  admin = await accountOf(tested, 'admin');
});
afterAll(() => tested.close());

const create = (body: object) => admin.call('POST', '/v1/projects', { name: 'A shop', ...body });
const pointersOf = ({ body }: Answer) =>
  (body.errors as Array<{ pointer: string }>).map(({ pointer }) => pointer);

/** A key of the project, made by an account that works there. */
async function keyOf(project: string) {
  const account = await accountOf(tested, 'admin', project);
  const { body } = await account.call('POST', '/v1/api-keys', {
    name: 'x',
    scopes: ['send', 'read', 'manage'],
  });
  return { authorization: `Bearer ${body.key}` };
}

describe('a new project', () => {
  test('has the defaults, and sends with the default templates', async () => {
    const answer = await create({ key: 'fresh' });
    expect(answer).toMatchObject({
      status: 201,
      body: { key: 'fresh', defaultLocale: 'en', timezone: 'UTC', archivedAt: null },
    });
    expect(answer.body.retention).toEqual(defaultRetention);
    expect(answer.headers.get('location')).toBe('/v1/projects/fresh');
    const sent = await tested.call(
      'POST',
      '/v1/notifications',
      {
        to: { email: 'ada@example.com' },
        template: 'welcome_email',
        data: { name: 'Ada', link: 'https://example.com/' },
      },
      await keyOf('fresh'),
    );
    expect(sent.status, sent.text).toBe(202);
  });

  test('has a key of its own: of several at once one is made', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => create({ key: 'once' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body.code).toBe('project_key_taken');
    expect(refused && pointersOf(refused)).toEqual(['/key']);
  });

  test.each(['', 'Shop', '-shop', 'a b', 'a_b', 'a'.repeat(64), 'ä', 'a/b'])(
    'is not called %j',
    async (key) => {
      expect(pointersOf(await create({ key }))).toEqual(['/key']);
    },
  );
});

describe('retention', () => {
  const update = (retention: object) => admin.call('PUT', '/v1/projects/default', { retention });
  const updateByKey = (retention: object) => tested.call('PUT', '/v1/projects/default', { retention });

  test('is replaced as a whole, what is left out by its default, and null is for ever', async () => {
    const forEver = { notificationsDays: null, payloadsDays: null, idempotencyKeysDays: null };
    const first = await update({ ...forEver, auditDays: 30 });
    expect(first.body.retention).toEqual({
      ...defaultRetention,
      ...forEver,
      auditDays: 30,
    });
    const second = await update({ attemptsDays: 10 });
    expect(second.body.retention).toEqual({ ...defaultRetention, attemptsDays: 10 });
    expect((await tested.call('GET', '/v1/projects/default')).body).toEqual(second.body);
  });

  test.each([
    [{ notificationsDays: 20 }, ['/retention/payloadsDays', '/retention/idempotencyKeysDays']],
    [{ payloadsDays: null }, ['/retention/payloadsDays', '/retention/idempotencyKeysDays']],
    [
      { notificationsDays: 5, payloadsDays: 6, idempotencyKeysDays: 7 },
      ['/retention/payloadsDays', '/retention/idempotencyKeysDays'],
    ],
    [{ idempotencyKeysDays: 91 }, ['/retention/idempotencyKeysDays']],
    [{ idempotencyKeysDays: 29 }, ['/retention/idempotencyKeysDays']],
    [{ auditDays: 0 }, ['/retention/auditDays']],
    [{ notificationsDays: 1.5 }, ['/retention/notificationsDays']],
    [{ days: 3 }, ['/retention/days']],
  ])('%j is refused, with its place', async (retention, pointers) => {
    const answer = await update(retention);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(pointersOf(answer)).toEqual(pointers);
  });

  test('a key cannot have the audit trail forget what it did, not even by leaving it out', async () => {
    const forbidden = { status: 403, body: { code: 'forbidden' } };
    await update({ auditDays: null });
    expect(await updateByKey({ auditDays: 36_500 })).toMatchObject(forbidden);
    expect(await updateByKey({ attemptsDays: 10 })).toMatchObject(forbidden);
    const kept = await updateByKey({ attemptsDays: 10, auditDays: null });
    expect(kept).toMatchObject({ status: 200, body: { retention: { attemptsDays: 10, auditDays: null } } });
    await update({ auditDays: 30 });
    expect(await updateByKey({ auditDays: 29 })).toMatchObject(forbidden);
    expect((await updateByKey({ auditDays: 31 })).body.retention).toMatchObject({ auditDays: 31 });
  });

  test('nothing lives longer than its notification, which may be as short as that', async () => {
    const bounds = { notificationsDays: 7, payloadsDays: 7, idempotencyKeysDays: 7 };
    expect((await update(bounds)).status).toBe(200);
  });
});

describe('who may do what', () => {
  test('admins create and archive, viewers look on, keys do neither', async () => {
    for (const role of ['member', 'viewer'] as const) {
      const account = await accountOf(tested, role);
      expect((await account.call('GET', '/v1/projects')).status).toBe(200);
      expect((await account.call('GET', '/v1/projects/default')).status).toBe(200);
      const refused = [
        await account.call('POST', '/v1/projects', { key: 'mine', name: 'x' }),
        await account.call('PUT', '/v1/projects/default', { name: 'x' }),
        await account.call('POST', '/v1/projects/default/archive'),
      ];
      expect(refused.map(({ body }) => body.code)).toEqual(['forbidden', 'forbidden', 'forbidden']);
    }
    expect((await tested.call('GET', '/v1/projects')).status).toBe(403);
    expect((await tested.call('POST', '/v1/projects', { key: 'mine', name: 'x' })).status).toBe(403);
    expect((await tested.call('POST', '/v1/projects/default/archive')).status).toBe(403);
  });

  test('an admin changes every project, a key that manages its own; another one it does not even see', async () => {
    await create({ key: 'theirs' });
    expect(await admin.call('PUT', '/v1/projects/theirs', { name: 'Renamed' })).toMatchObject({
      status: 200,
      body: { name: 'Renamed' },
    });
    for (const path of ['/v1/projects/theirs', '/v1/projects/nobodys']) {
      const answers = [await tested.call('GET', path), await tested.call('PUT', path, { name: 'x' })];
      expect(answers.map(({ body }) => body.code)).toEqual(['not_found', 'not_found']);
    }
    const own = await keyOf('theirs');
    expect((await tested.call('PUT', '/v1/projects/theirs', { name: 'Ours' }, own)).body.name).toBe('Ours');
    expect((await tested.call('GET', '/v1/projects/default', undefined, own)).status).toBe(404);
  });
});

describe('archiving', () => {
  test('ends the keys of the project and nothing of what it has, and may be done twice', async () => {
    await create({ key: 'closing' });
    const own = await keyOf('closing');
    const content = { email: { subject: 's', text: 't' } };
    const send = () =>
      tested.call('POST', '/v1/notifications', { to: { email: 'a@example.com' }, content }, own);
    const { body } = await send();
    const first = await admin.call('POST', '/v1/projects/closing/archive');
    expect(first).toMatchObject({ status: 200, body: { archivedAt: expect.any(String) } });
    await until(send, ({ status }) => status === 401);
    expect((await admin.call('POST', '/v1/projects/closing/archive')).body).toEqual(first.body);
    const { id: projectId = '' } = (await tested.store.findProject('closing')) ?? {};
    const kept = await tested.store.getNotification(projectId, String(body.id));
    expect(kept?.messages.map(({ status }) => status)).toEqual(['queued']);
    expect((await admin.call('GET', '/v1/projects')).text).toContain('"closing"');
  });

  test('is not for project default, nor for one that is not there', async () => {
    expect(await admin.call('POST', '/v1/projects/default/archive')).toMatchObject({
      status: 409,
      body: { code: 'project_not_archivable' },
    });
    expect((await admin.call('POST', '/v1/projects/nobodys/archive')).status).toBe(404);
    expect((await tested.call('GET', '/v1/notifications')).status).toBe(200);
  });
});
