import { createTidings, type Tidings } from '@tidings/client';
import { scopes } from '@tidings/contracts';
import type { HttpServer } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
let server: HttpServer;
let tidings: Tidings;
let ids: { notification: string; message: string };

const content = { email: { subject: 'Hi', text: 'Hello {{ name }}' }, push: { title: 'Hi', body: 'Hello' } };
const toAda = { to: { email: 'ada@example.com' }, content, channels: ['email' as const] };

const template = { en: { push: { title: 'Hi', body: '{{ name }}' } } };
/** Used up one by one: what is there can be published, or removed, once. */
const drafts = ['draft-1', 'draft-2', 'draft-3', 'draft-4'];
const parts = ['part-1', 'part-2', 'part-3', 'part-4'];
const revisions: number[] = [];
let keys = 0;
const newKey = () => {
  keys += 1;
  return `new-${keys}`;
};

beforeAll(async () => {
  tested = await openTestApi();
  server = await tested.listen();
  tidings = createTidings({ url: server.url, apiKey: tested.key });
  await tidings.recipients.upsert.mutate({ externalId: 'ada', email: 'ada@example.com' });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'device-1' });
  const sent = await tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content });
  for (const key of drafts) await tidings.templates.create.mutate({ key, content: template });
  for (const key of parts) await tidings.templateParts.upsert.mutate({ kind: 'partial', key, text: 'x' });
  revisions.push((await tidings.templates.create.mutate({ key: 'draft', content: template })).revision);
  ids = { notification: sent.id, message: sent.messages[0]?.id ?? '' };
});
afterAll(() => tested.close());

/** One good call of each operation over REST: its path with parameters filled in, and its body. */
const calls: Record<string, () => { path: string; body?: unknown; trpc: () => Promise<unknown> }> = {
  'notifications.send': () => ({
    path: '/v1/notifications',
    body: toAda,
    trpc: () => tidings.notifications.send.mutate(toAda),
  }),
  'notifications.sendMany': () => ({
    path: '/v1/notifications/bulk',
    body: { items: [toAda, { to: 'nobody' }] },
    trpc: () => tidings.notifications.sendMany.mutate({ items: [toAda, { to: 'nobody' }] }),
  }),
  'notifications.get': () => ({
    path: `/v1/notifications/${ids.notification}`,
    trpc: () => tidings.notifications.get.query({ id: ids.notification }),
  }),
  'notifications.list': () => ({
    path: '/v1/notifications?limit=5&recipientId=ada&status=accepted&lane=normal',
    trpc: () => tidings.notifications.list.query({ limit: 5, recipientId: 'ada' }),
  }),
  'notifications.cancel': () => ({
    path: `/v1/notifications/${ids.notification}/cancel`,
    trpc: () => tidings.notifications.cancel.mutate({ id: ids.notification }),
  }),
  'messages.get': () => ({
    path: `/v1/messages/${ids.message}`,
    trpc: () => tidings.messages.get.query({ id: ids.message }),
  }),
  'recipients.upsert': () => ({
    path: '/v1/recipients/user%2F42',
    body: { name: 'Grace', email: 'grace@example.com', locale: 'fr-CA', timezone: 'Europe/Paris' },
    trpc: () => tidings.recipients.upsert.mutate({ externalId: 'user/42', name: null }),
  }),
  'recipients.get': () => ({
    path: '/v1/recipients/ada',
    trpc: () => tidings.recipients.get.query({ recipientId: 'ada' }),
  }),
  'devices.register': () => ({
    path: '/v1/recipients/ada/devices',
    body: { platform: 'fcm', token: 'device-2' },
    trpc: () => tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'device-2' }),
  }),
  'templates.create': () => ({
    path: '/v1/templates',
    body: { key: newKey(), content: template },
    trpc: () => tidings.templates.create.mutate({ key: newKey(), content: template }),
  }),
  'templates.get': () => ({
    path: '/v1/templates/welcome_email?version=1',
    trpc: () => tidings.templates.get.query({ key: 'welcome_email' }),
  }),
  'templates.list': () => ({
    path: '/v1/templates?limit=2&after=order_shipped',
    trpc: () => tidings.templates.list.query({}),
  }),
  'templates.versions': () => ({
    path: '/v1/templates/welcome_email/versions?olderThan=2',
    trpc: () => tidings.templates.versions.query({ key: 'welcome_email' }),
  }),
  'templates.update': () => ({
    path: '/v1/templates/draft/draft',
    body: { revision: revisions.shift(), content: template },
    trpc: async () => {
      const { revision } = await tidings.templates.get.query({ key: 'draft' });
      return tidings.templates.update.mutate({ key: 'draft', revision, category: null });
    },
  }),
  'templates.publish': () => ({
    path: `/v1/templates/${drafts.shift()}/publish`,
    trpc: () => tidings.templates.publish.mutate({ key: drafts.shift() ?? '' }),
  }),
  'templates.rollback': () => ({
    path: '/v1/templates/welcome_email/rollback',
    body: { version: 1 },
    trpc: () => tidings.templates.rollback.mutate({ key: 'welcome_email', version: 1 }),
  }),
  'templates.archive': () => ({
    path: '/v1/templates/order_shipped/archive',
    trpc: () => tidings.templates.archive.mutate({ key: 'order_shipped' }),
  }),
  'templates.lint': () => ({
    path: '/v1/templates/welcome_email/lint',
    trpc: () => tidings.templates.lint.mutate({ key: 'draft' }),
  }),
  'templates.preview': () => ({
    path: '/v1/templates/welcome_email/preview',
    body: { data: { name: 'Ada' } },
    trpc: () => tidings.templates.preview.mutate({ key: 'draft' }),
  }),
  'templates.testSend': () => ({
    path: '/v1/templates/draft/test',
    body: { to: { recipientId: 'ada' } },
    trpc: () => tidings.templates.testSend.mutate({ key: 'draft', to: { recipientId: 'ada' } }),
  }),
  'templateParts.upsert': () => ({
    path: '/v1/template-parts/partial/name',
    body: { html: '<b>{{ name }}</b>' },
    trpc: () => tidings.templateParts.upsert.mutate({ kind: 'layout', key: 'plain', html: '{% content %}' }),
  }),
  'templateParts.get': () => ({
    path: '/v1/template-parts/layout/default',
    trpc: () => tidings.templateParts.get.query({ kind: 'layout', key: 'default' }),
  }),
  'templateParts.list': () => ({
    path: '/v1/template-parts',
    trpc: () => tidings.templateParts.list.query({}),
  }),
  'templateParts.remove': () => ({
    path: `/v1/template-parts/partial/${parts.shift()}`,
    trpc: () => tidings.templateParts.remove.mutate({ kind: 'partial', key: parts.shift() ?? '' }),
  }),
};

test('every operation of the contracts has a call here', () => {
  expect(allOperations.map(({ name }) => name).sort()).toEqual(Object.keys(calls).sort());
});

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (name, operation) => {
    const callOf = () => {
      const call = calls[name];
      if (call === undefined) throw new Error(`no call of ${name}`);
      return call();
    };

    test('over REST it answers its status and what its output schema describes', async () => {
      const { path, body } = callOf();
      const answer = await tested.call(operation.method, path, body);
      expect(answer).toMatchObject({ status: operation.status });
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      operation.output.parse(answer.body);
    });

    test('over tRPC it answers what its output schema describes', async () => {
      operation.output.parse(await callOf().trpc());
    });

    test('without a key and with a key that lacks its scope nobody gets in', async () => {
      const { path, body } = callOf();
      const { access } = operation;
      if (access === 'anyone' || 'role' in access) throw new Error(`${name} is not for keys`);
      const otherScopes = scopes.filter((scope) => scope !== access.scope);
      const weak = await tested.addKey([...otherScopes]);
      const anonymous = await tested.call(operation.method, path, body, { authorization: '' });
      expect(anonymous).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      const refused = await tested.call(operation.method, path, body, { authorization: `Bearer ${weak}` });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      const trpcMethod = operation.method === 'GET' ? 'GET' : 'POST';
      const overTrpc = await tested.call(
        trpcMethod,
        `/trpc/${name}`,
        trpcMethod === 'POST' ? {} : undefined,
        {
          authorization: `Bearer ${weak}`,
        },
      );
      expect(overTrpc).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    });
  },
);

test('a send answers 202 with the place of the notification, and the record is there', async () => {
  const answer = await tested.call('POST', '/v1/notifications', toAda);
  const location = answer.headers.get('location') ?? '';
  expect(location).toBe(`/v1/notifications/${answer.body.id}`);
  const found = await tested.call('GET', location);
  expect(found).toMatchObject({ status: 200, body: { id: answer.body.id, status: 'accepted' } });
});

test('REST and tRPC see the same record', async () => {
  const { id } = await tidings.notifications.send.mutate(toAda);
  const overRest = await tested.call('GET', `/v1/notifications/${id}`);
  expect(overRest.body).toEqual(await tidings.notifications.get.query({ id }));
  await tested.call('PUT', '/v1/recipients/both', { name: 'Both' });
  expect(await tidings.recipients.get.query({ recipientId: 'both' })).toMatchObject({ name: 'Both' });
});

test('what is scheduled waits, and canceling it twice answers the same', async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await tidings.notifications.send.mutate({ ...toAda, sendAt });
  expect(sent.messages[0]?.status).toBe('scheduled');
  const first = await tested.call('POST', `/v1/notifications/${sent.id}/cancel`);
  expect(first.body.messages).toEqual([{ id: sent.messages[0]?.id, result: 'canceled' }]);
  const second = await tested.call('POST', `/v1/notifications/${sent.id}/cancel`);
  expect(second.body).toEqual(first.body);
});

test('a recipient without an address or device gets messages that end with the reason', async () => {
  await tidings.recipients.upsert.mutate({ externalId: 'nowhere' });
  const sent = await tidings.notifications.send.mutate({ to: { recipientId: 'nowhere' }, content });
  expect(sent.status).toBe('ended');
  expect(sent.messages.map(({ channel, status, reason }) => [channel, status, reason])).toEqual([
    ['email', 'skipped', 'no_address'],
    ['push', 'skipped', 'no_device'],
  ]);
});

test('pages lead through all notifications once, there and back', async () => {
  await tidings.recipients.upsert.mutate({ externalId: 'paged', email: 'p@example.com' });
  const item = { to: { recipientId: 'paged' }, content, channels: ['email'] };
  await tidings.notifications.sendMany.mutate({ items: Array.from({ length: 5 }, () => item) });
  const pageOf = (query: object) =>
    tidings.notifications.list.query({ recipientId: 'paged', limit: 2, ...query });
  const one = await pageOf({});
  const two = await pageOf({ after: one.after ?? '' });
  const three = await pageOf({ after: two.after ?? '' });
  expect([one, two, three].map(({ items }) => items.length)).toEqual([2, 2, 1]);
  expect(new Set([one, two, three].flatMap(({ items }) => items.map(({ id }) => id))).size).toBe(5);
  expect([one.before, three.after]).toEqual([null, null]);
  expect(await pageOf({ before: three.before ?? '' })).toEqual(two);
  expect((await pageOf({ before: two.before ?? '' })).items).toEqual(one.items);
});
