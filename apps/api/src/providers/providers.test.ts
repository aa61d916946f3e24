import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSeal } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountOf, type ProjectAccount } from '../../../../test/support/account.ts';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let admin: ProjectAccount;
beforeAll(async () => {
  tested = await openTestApi();
  admin = await accountOf(tested, 'admin');
});
afterAll(() => tested.close());

const secret = 'pa55word-that-nobody-sees';
const smtp = {
  kind: 'smtp',
  url: `smtp://user:${secret}@mail.example.com:2525?requireTls=true`,
  from: 'Acme <hello@acme.example>',
};
const privateKey = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const create = (name: string, settings: object, more: object = {}) =>
  admin.call('POST', '/v1/providers', { name, settings, ...more });
const idOf = async (name: string, settings: object = smtp) =>
  (await create(name, settings)).body.id as string;

describe('a provider', () => {
  test('shows where it is and who sends, and its secrets to nobody', async () => {
    const made = await create('main', smtp, { perSecond: 14 });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'main',
        kind: 'smtp',
        channel: 'email',
        settings: {
          server: 'smtp://mail.example.com:2525?requireTls=true',
          from: 'Acme <hello@acme.example>',
        },
        perSecond: 14,
        enabled: true,
      },
    });
    expect(made.headers.get('location')).toBe(`/v1/providers/${made.body.id}`);
    const answers = [made, await admin.call('GET', '/v1/providers'), await admin.call('GET', '/v1/audit')];
    for (const { text } of answers) expect(text).not.toContain(secret);
    const record = readdirSync(tested.dataDir, { withFileTypes: true }).filter((file) => file.isFile());
    for (const { name } of record) {
      expect(readFileSync(join(tested.dataDir, name)).includes(secret), name).toBe(false);
    }
    const row = await tested.store.getProvider(
      await tested.store.ensureProject({ id: 'prj_none', key: 'default' }),
      made.body.id as string,
    );
    const opened = findSeal({ DATA_DIR: tested.dataDir }).open(row?.sealed ?? '', row?.id ?? '');
    expect(JSON.parse(opened)).toEqual(smtp);
  });

  test.each([
    [
      'sendgrid',
      { kind: 'sendgrid', apiKey: 'SG.secret', from: 'a@acme.example', connections: 8 },
      { from: 'a@acme.example', connections: 8 },
    ],
    [
      'onesignal',
      { kind: 'onesignal', appId: '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27', apiKey: 'os-secret' },
      { appId: '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27' },
    ],
    [
      'fcm',
      {
        kind: 'fcm',
        serviceAccount: {
          type: 'service_account',
          project_id: 'my-app',
          client_email: 'x@my-app.iam.gserviceaccount.com',
          private_key: privateKey(2048),
        },
      },
      { projectId: 'my-app', clientEmail: 'x@my-app.iam.gserviceaccount.com' },
    ],
  ])('of %s shows no more than it may', async (name, settings, shown) => {
    const { status, body, text } = await create(name, settings);
    expect(status, text).toBe(201);
    expect(body.settings).toEqual(shown);
    expect(text).not.toMatch(/secret|PRIVATE/);
  });

  test.each([
    [{ ...smtp, url: 'http://mail.example.com' }, '/settings/url'],
    [{ ...smtp, url: `smtp://${secret}@host:99999` }, '/settings/url'],
    [{ ...smtp, from: 'one@a.example, two@a.example' }, '/settings/from'],
    [
      { ...smtp, dkim: { domain: 'acme.example', selector: 's1', privateKey: secret } },
      '/settings/dkim/privateKey',
    ],
    [
      {
        kind: 'fcm',
        serviceAccount: { project_id: 'p', client_email: 'x@p', private_key: privateKey(1024) },
      },
      '/settings/serviceAccount/private_key',
    ],
  ])(
    'whose settings cannot be used is refused with their place, and without what they hold',
    async (settings, pointer) => {
      const answer = await create('unusable', settings);
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'invalid_provider', errors: [{ pointer }] },
      });
      expect(answer.text).not.toContain(secret);
    },
  );

  test('has a name of its own in its project, of several at once too', async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => create('once', smtp)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const other = await idOf('other');
    const taken = await admin.call('PUT', `/v1/providers/${other}`, { name: 'once' });
    expect(taken).toMatchObject({ status: 409, body: { code: 'provider_name_taken' } });
  });

  test('is changed as far as is said, stays on its channel, and is forgotten with its secrets', async () => {
    const id = await idOf('changing');
    const put = (body: object) => admin.call('PUT', `/v1/providers/${id}`, body);
    expect((await put({ enabled: false, perSecond: 3 })).body).toMatchObject({
      name: 'changing',
      enabled: false,
      perSecond: 3,
      settings: { from: smtp.from },
    });
    const sendgrid = { kind: 'sendgrid', apiKey: 'SG.secret', from: 'a@acme.example' };
    expect((await put({ settings: sendgrid })).body).toMatchObject({
      kind: 'sendgrid',
      enabled: false,
      settings: { from: 'a@acme.example' },
    });
    const onesignal = { kind: 'onesignal', appId: '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27', apiKey: 'x' };
    expect(await put({ settings: onesignal })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/settings/kind' }] },
    });
    expect((await admin.call('DELETE', `/v1/providers/${id}`)).status).toBe(200);
    expect((await admin.call('GET', `/v1/providers/${id}`)).status).toBe(404);
  });

  test('is for admins to change, and for no key', async () => {
    for (const call of [(await accountOf(tested, 'member')).call, tested.call]) {
      const refused = await call('POST', '/v1/providers', { name: 'x', settings: smtp });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await (await accountOf(tested, 'viewer')).call('GET', '/v1/providers')).status).toBe(200);
  });
});

describe('a route', () => {
  const set = (channel: string, providers: string[]) =>
    admin.call('PUT', `/v1/routes/${channel}`, { providers });

  test('is an order of providers of its channel, and can be taken back', async () => {
    const [first, second] = [await idOf('first'), await idOf('second')];
    expect((await set('email', [second, first])).body).toMatchObject({
      channel: 'email',
      providers: [second, first],
    });
    expect((await admin.call('GET', '/v1/routes')).body.items).toMatchObject([
      { channel: 'email', providers: [second, first] },
      { channel: 'push', providers: [], updatedAt: null },
    ]);
    expect(await admin.call('DELETE', `/v1/providers/${first}`)).toMatchObject({
      status: 409,
      body: { code: 'provider_in_use' },
    });
    expect((await set('email', [])).body).toEqual({ channel: 'email', providers: [], updatedAt: null });
    expect((await admin.call('DELETE', `/v1/providers/${first}`)).status).toBe(200);
  });

  test('names no provider of another channel or project, nor one twice', async () => {
    const email = await idOf('of-email');
    expect(await set('push', [email])).toMatchObject({ status: 422, body: { code: 'unknown_provider' } });
    expect(await set('email', [email, email])).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/providers' }] },
    });
    await admin.call('POST', '/v1/projects', { key: 'elsewhere', name: 'Elsewhere' });
    const elsewhere = await accountOf(tested, 'admin', 'elsewhere');
    const theirs = await elsewhere.call('PUT', '/v1/routes/email', { providers: [email] });
    expect(theirs).toMatchObject({ status: 422, body: { code: 'unknown_provider' } });
    expect((await elsewhere.call('GET', `/v1/providers/${email}`)).status).toBe(404);
  });

  test('and the removal of a provider in it at once: one of the two happens', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = await idOf(`racing-${round}`);
      const [route, removal] = await Promise.all([
        set('email', [id]),
        admin.call('DELETE', `/v1/providers/${id}`),
      ]);
      expect([route.status, removal.status]).toEqual(route.status === 200 ? [200, 409] : [422, 200]);
      await set('email', []);
    }
  });
});
