import { createTidings, type Tidings } from '@tidings/client';
import type { Operation } from '@tidings/contracts';
import { chooseEngine, type QueueEngine } from '@tidings/queue';
import { type HttpServer, newId, silentLog } from '@tidings/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allOperations, openTestApi, type TestAccount, type TestApi } from '../../../test/support/api.ts';

let engine: QueueEngine;
let tested: TestApi;
let server: HttpServer;
let tidings: Tidings;
let owner: TestAccount;
/** The client of an account. */
let asOwner: Tidings;
let ids: { notification: string; message: string };
let made = 0;

const content = { email: { subject: 'Hi', text: 'Hello {{ name }}' }, push: { title: 'Hi', body: 'Hello' } };
const toAda = { to: { email: 'ada@example.com' }, content, channels: ['email' as const] };

const template = { en: { push: { title: 'Hi', body: '{{ name }}' } } };
/** Used up one by one: what is there can be published, or removed, once. */
const drafts = ['draft-1', 'draft-2', 'draft-3', 'draft-4'];
const parts = ['part-1', 'part-2', 'part-3', 'part-4'];
const revisions: number[] = [];

const consumer = 'stock-service';
/** What somebody had in hand once. */
const held = { copyId: newId('copy'), token: 'none' };

beforeAll(async () => {
  engine = await chooseEngine({
    config: { REDIS_URL: 'embedded', DATABASE_URL: '', DATA_DIR: '' },
    log: silentLog(),
  });
  tested = await openTestApi({ engine });
  server = await tested.listen();
  tidings = createTidings({ url: server.url, apiKey: tested.key });
  owner = await tested.addAccount('owner');
  asOwner = createTidings({ url: server.url, apiKey: owner.token });
  await tidings.recipients.upsert.mutate({ externalId: 'ada', email: 'ada@example.com' });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'device-1' });
  for (const key of ['over-rest', 'over-trpc']) await tidings.categories.upsert.mutate({ key, name: key });
  await tidings.consumers.subscribe.mutate({ name: consumer, types: ['order.*'] });
  for (const type of ['over.rest', 'over.trpc']) await tidings.eventTypes.upsert.mutate({ type });
  await tidings.events.publish.mutate({ type: 'order.created', id: 'order-0', source: '/orders' });
  const sent = await tidings.notifications.send.mutate({ to: { recipientId: 'ada' }, content });
  for (const key of drafts) await tidings.templates.create.mutate({ key, content: template });
  for (const key of parts) await tidings.templateParts.upsert.mutate({ kind: 'partial', key, text: 'x' });
  revisions.push((await tidings.templates.create.mutate({ key: 'draft', content: template })).revision);
  ids = { notification: sent.id, message: sent.messages[0]?.id ?? '' };
});
afterAll(async () => {
  await tested.close();
  await engine.close();
});

/** Another client with the cookie of an account, as its browser. */
const browserOf = ({ cookie }: TestAccount) =>
  createTidings({
    url: server.url,
    apiKey: tested.key,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, cookie } }),
  });

/** A new invitation for each call. */
const invite = () => {
  made += 1;
  return asOwner.invitations.create.mutate({ email: `guest-${made}@example.com`, role: 'member' });
};

/** A key to rotate or revoke: neither can be done twice. */
async function someKey(): Promise<string> {
  return (await tidings.apiKeys.create.mutate({ name: 'spare', scopes: ['read'] })).id;
}

const sendgrid = { kind: 'sendgrid' as const, apiKey: 'SG.secret', from: 'Acme <hello@acme.example>' };

function newProviderName(): string {
  made += 1;
  return `provider-${made}`;
}

async function someProvider(): Promise<string> {
  return (await asOwner.providers.create.mutate({ name: newProviderName(), settings: sendgrid })).id;
}

async function someSuppression(): Promise<string> {
  made += 1;
  return (await tidings.suppressions.add.mutate({ address: `gone-${made}@example.com` })).id;
}

/** Messages that failed. */
async function someDead(count: number): Promise<string[]> {
  const items = Array.from({ length: count }, () => toAda);
  const sent = await tidings.notifications.sendMany.mutate({ items });
  const ids = sent.items.flatMap((one) => ('messages' in one ? one.messages.map(({ id }) => id) : []));
  await tested.query(`UPDATE messages SET status = 'failed', reason = 'rejected', place = NULL, ended_at = 1
    WHERE id IN (${ids.map((id) => `'${id}'`).join()})`);
  return ids;
}

function newSubscription() {
  made += 1;
  const settings = { kind: 'webhook' as const, url: 'https://shop.example/webhooks' };
  return { name: `consumer-${made}`, types: ['order.*'], settings };
}

async function someSubscription(): Promise<string> {
  return (await tidings.subscriptions.create.mutate(newSubscription())).id;
}

/** A copy that has ended. */
async function someCopy(): Promise<string> {
  const { copyId } = await tidings.subscriptions.test.mutate({ id: await someSubscription() });
  await tested.query(`UPDATE copies SET status = 'failed', reason = 'rejected', place = NULL, ended_at = 1
    WHERE id = '${copyId}'`);
  return copyId;
}

/** A key that no project has yet. */
function newProjectKey(): string {
  made += 1;
  return `project-${made}`;
}

function newTemplateKey(): string {
  made += 1;
  return `template-${made}`;
}

interface GoodCall {
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  trpc: () => Promise<unknown>;
}
/** A recipient with a device, for those operations that leave nothing to be called twice. */
let oneMore: { recipientId: string; deviceId: string };
beforeEach(async () => {
  made += 1;
  const recipientId = `more-${made}`;
  await tidings.recipients.upsert.mutate({ externalId: recipientId });
  const token = `of-${recipientId}`;
  const { id } = await tidings.devices.register.mutate({ recipientId, platform: 'fcm', token });
  oneMore = { recipientId, deviceId: id };
});

/** One good call of each operation over REST: its path with parameters filled in, and its body. */
const calls: Record<string, () => GoodCall | Promise<GoodCall>> = {
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
  'notifications.explain': () => ({
    path: '/v1/notifications/explain',
    body: toAda,
    trpc: () => tidings.notifications.explain.mutate({ to: { recipientId: 'ada' }, template: 'nowhere' }),
  }),
  'messages.get': () => ({
    path: `/v1/messages/${ids.message}`,
    trpc: () => tidings.messages.get.query({ id: ids.message }),
  }),
  'messages.report': () => ({
    path: `/v1/messages/${ids.message}/status`,
    body: { type: 'opened', at: '2027-01-31T08:00:00Z', code: '250', response: 'Ok', eventId: 'evt-1' },
    trpc: () => tidings.messages.report.mutate({ id: ids.message, type: 'opened' }),
  }),
  'messages.explain': () => ({
    path: `/v1/messages/${ids.message}/explanation`,
    trpc: () => tidings.messages.explain.query({ id: ids.message }),
  }),
  'messages.replay': async () => {
    const [one = '', other = ''] = await someDead(2);
    return {
      path: `/v1/messages/${one}/replay`,
      body: { content: 'current' },
      trpc: () => tidings.messages.replay.mutate({ id: other }),
    };
  },
  'deadLetters.list': async () => {
    await someDead(2);
    return {
      path: '/v1/dead-letters?status=failed&channel=email&endedFrom=2020-01-01T00:00:00Z&limit=1',
      trpc: () => tidings.deadLetters.list.query({ provider: 'smtp', lane: 'normal' }),
    };
  },
  'deadLetters.get': async () => {
    const [id = ''] = await someDead(1);
    return { path: `/v1/dead-letters/${id}`, trpc: () => tidings.deadLetters.get.query({ id }) };
  },
  'deadLetters.replay': async () => {
    const ids = await someDead(2);
    return {
      path: '/v1/dead-letters/replay',
      body: { filter: { status: 'failed' }, limit: 1 },
      trpc: () => tidings.deadLetters.replay.mutate({ ids, content: 'current' }),
    };
  },
  'consumers.subscribe': () => ({
    path: `/v1/consumers/${consumer}`,
    body: { types: ['order.*'] },
    trpc: () => tidings.consumers.subscribe.mutate({ name: consumer, types: ['order.*'] }),
  }),
  'consumers.receive': () => ({
    path: `/v1/consumers/${consumer}/receive`,
    body: { waitSeconds: 0 },
    trpc: () => tidings.consumers.receive.mutate({ name: consumer, waitSeconds: 0 }),
  }),
  'consumers.settle': () => ({
    path: `/v1/consumers/${consumer}/settle`,
    body: { items: [{ ...held, outcome: 'done' }] },
    trpc: () =>
      tidings.consumers.settle.mutate({
        name: consumer,
        items: [{ ...held, outcome: 'failed', error: 'x' }],
      }),
  }),
  'consumers.extend': () => ({
    path: `/v1/consumers/${consumer}/extend`,
    body: { items: [held] },
    trpc: () => tidings.consumers.extend.mutate({ name: consumer, items: [held] }),
  }),
  'subscriptions.create': () => {
    const body = { ...newSubscription(), filter: 'data.total >= 100' };
    return {
      path: '/v1/subscriptions',
      body,
      trpc: () =>
        tidings.subscriptions.create.mutate({
          ...newSubscription(),
          settings: {
            kind: 'notify',
            to: { recipientId: '/data/customerId' },
            template: 'welcome_email',
            data: { name: { pointer: '/data/name' }, shop: { value: 'Acme' } },
          },
        }),
    };
  },
  'subscriptions.list': async () => {
    await someSubscription();
    return { path: '/v1/subscriptions', trpc: () => tidings.subscriptions.list.query({}) };
  },
  'subscriptions.get': async () => {
    const id = await someSubscription();
    return { path: `/v1/subscriptions/${id}`, trpc: () => tidings.subscriptions.get.query({ id }) };
  },
  'subscriptions.update': async () => {
    const id = await someSubscription();
    return {
      path: `/v1/subscriptions/${id}`,
      body: { types: ['*'], filter: null },
      trpc: () => tidings.subscriptions.update.mutate({ id, filter: 'subject == "user-42"' }),
    };
  },
  'subscriptions.remove': async () => {
    const [one, id] = [await someSubscription(), await someSubscription()];
    return {
      path: `/v1/subscriptions/${one}`,
      trpc: () => tidings.subscriptions.remove.mutate({ id }),
    };
  },
  'subscriptions.pause': async () => {
    const id = await someSubscription();
    return {
      path: `/v1/subscriptions/${id}/pause`,
      trpc: () => tidings.subscriptions.pause.mutate({ id }),
    };
  },
  'subscriptions.resume': async () => {
    const id = await someSubscription();
    return {
      path: `/v1/subscriptions/${id}/resume`,
      trpc: () => tidings.subscriptions.resume.mutate({ id }),
    };
  },
  'subscriptions.rotateSecret': async () => {
    const id = await someSubscription();
    return {
      path: `/v1/subscriptions/${id}/rotate-secret`,
      body: { overlapSeconds: 60 },
      trpc: () => tidings.subscriptions.rotateSecret.mutate({ id }),
    };
  },
  'subscriptions.test': async () => {
    const id = await someSubscription();
    return {
      path: `/v1/subscriptions/${id}/test`,
      body: { data: { orderId: '1042' } },
      trpc: () => tidings.subscriptions.test.mutate({ id }),
    };
  },
  'subscriptions.recover': async () => {
    const id = await someSubscription();
    const since = '2027-01-31T08:00:00Z';
    return {
      path: `/v1/subscriptions/${id}/recover`,
      body: { since, limit: 10 },
      trpc: () => tidings.subscriptions.recover.mutate({ id, since }),
    };
  },
  'copies.list': async () => {
    await someCopy();
    return {
      path: '/v1/copies?status=failed&limit=1',
      trpc: () => tidings.copies.list.query({ limit: 2 }),
    };
  },
  'copies.get': async () => {
    const id = await someCopy();
    return { path: `/v1/copies/${id}`, trpc: () => tidings.copies.get.query({ id }) };
  },
  'copies.resend': async () => {
    const [one, id] = [await someCopy(), await someCopy()];
    return { path: `/v1/copies/${one}/resend`, trpc: () => tidings.copies.resend.mutate({ id }) };
  },
  'recipients.upsert': () => ({
    path: '/v1/recipients/user%2F42',
    body: { name: 'Grace', email: 'grace@example.com', locale: 'fr-CA', timezone: 'Europe/Paris' },
    trpc: () => tidings.recipients.upsert.mutate({ externalId: 'user/42', name: null }),
  }),
  'recipients.get': () => ({
    path: '/v1/recipients/ada',
    trpc: () => tidings.recipients.get.query({ recipientId: 'ada' }),
  }),
  'recipients.upsertMany': () => ({
    path: '/v1/recipients',
    body: { items: [{ externalId: 'many', name: 'Many' }, { externalId: '' }] },
    trpc: () => tidings.recipients.upsertMany.mutate({ items: [{ externalId: 'many' }, 'nobody'] }),
  }),
  'recipients.list': () => ({
    path: '/v1/recipients?limit=5&search=ada',
    trpc: () => tidings.recipients.list.query({ limit: 5, search: 'ada' }),
  }),
  'recipients.export': () => ({
    path: '/v1/recipients/ada/export?limit=5',
    trpc: () => tidings.recipients.export.query({ recipientId: 'ada', limit: 5 }),
  }),
  'recipients.erase': () => ({
    path: `/v1/recipients/${oneMore.recipientId}`,
    trpc: () => tidings.recipients.erase.mutate({ recipientId: oneMore.recipientId }),
  }),
  'devices.list': () => ({
    path: '/v1/recipients/ada/devices',
    trpc: () => tidings.devices.list.query({ recipientId: 'ada' }),
  }),
  'devices.remove': () => ({
    path: `/v1/recipients/${oneMore.recipientId}/devices/${oneMore.deviceId}`,
    trpc: () => tidings.devices.remove.mutate(oneMore),
  }),
  'devices.register': () => ({
    path: '/v1/recipients/ada/devices',
    body: { platform: 'fcm', token: 'device-2' },
    trpc: () => tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'device-2' }),
  }),
  'recipients.createToken': () => ({
    path: '/v1/recipients/ada/tokens',
    body: { lifetimeSeconds: 60 },
    trpc: () => tidings.recipients.createToken.mutate({ recipientId: 'ada' }),
  }),
  'events.publish': () => ({
    path: '/v1/events',
    body: { type: 'order.created', id: 'order-1', subject: 'ada', data: { orderId: '1' } },
    trpc: () => tidings.events.publish.mutate({ type: 'order.created', occurredAt: '2026-01-31T08:00:00Z' }),
  }),
  'events.publishMany': () => ({
    path: '/v1/events/bulk',
    body: { items: [{ type: 'order.created', id: 'order-1' }, { type: 'message.sent' }] },
    trpc: () => tidings.events.publishMany.mutate({ items: [{ type: 'order.created' }, 'nothing'] }),
  }),
  'events.get': () => ({
    path: '/v1/events/order-0?source=%2Forders',
    trpc: () => tidings.events.get.query({ id: 'order-0', source: '/orders' }),
  }),
  'events.list': () => ({
    path: '/v1/events?limit=5&type=order.created&subject=ada&origin=application',
    trpc: () => tidings.events.list.query({ limit: 5, type: 'order.created' }),
  }),
  'eventTypes.upsert': () => ({
    path: '/v1/event-types/order.paid',
    body: { description: 'An order was paid', schema: { type: 'object' } },
    trpc: () => tidings.eventTypes.upsert.mutate({ type: 'order.paid', schema: null }),
  }),
  'eventTypes.list': () => ({
    path: '/v1/event-types',
    trpc: () => tidings.eventTypes.list.query({}),
  }),
  'eventTypes.remove': () => ({
    path: '/v1/event-types/over.rest',
    trpc: () => tidings.eventTypes.remove.mutate({ type: 'over.trpc' }),
  }),
  'categories.upsert': () => ({
    path: '/v1/categories/product%20news',
    body: { name: 'Product news', description: 'What is new', required: false },
    trpc: () => tidings.categories.upsert.mutate({ key: 'security', name: 'Security', required: true }),
  }),
  'categories.list': () => ({ path: '/v1/categories', trpc: () => tidings.categories.list.query({}) }),
  'categories.remove': () => ({
    path: '/v1/categories/over-rest',
    trpc: () => tidings.categories.remove.mutate({ key: 'over-trpc' }),
  }),
  'preferences.get': () => ({
    path: '/v1/recipients/ada/preferences',
    trpc: () => tidings.preferences.get.query({ recipientId: 'ada' }),
  }),
  'preferences.set': () => ({
    path: '/v1/recipients/ada/preferences',
    body: {
      preferences: [{ channel: 'email', category: 'newsletter', enabled: false }],
      quietHours: { from: '22:00', to: '07:00' },
    },
    trpc: () =>
      tidings.preferences.set.mutate({
        recipientId: 'ada',
        preferences: [{ channel: 'email', category: 'newsletter', enabled: null }],
        quietHours: null,
      }),
  }),
  'preferenceDefaults.get': () => ({
    path: '/v1/preference-defaults',
    trpc: () => tidings.preferenceDefaults.get.query({}),
  }),
  'preferenceDefaults.set': () => ({
    path: '/v1/preference-defaults',
    body: { preferences: [{ channel: 'push', category: 'newsletter', enabled: false }] },
    trpc: () =>
      tidings.preferenceDefaults.set.mutate({
        preferences: [{ channel: 'push', category: 'newsletter', enabled: null }],
      }),
  }),
  'auth.login': () => ({
    path: '/v1/auth/login',
    body: { email: owner.email, password: owner.password },
    trpc: () => tidings.auth.login.mutate({ email: owner.email, password: owner.password }),
  }),
  'auth.refresh': async () => {
    const account = await tested.addAccount('viewer');
    return {
      path: '/v1/auth/refresh',
      headers: { cookie: account.cookie },
      trpc: () => browserOf(account).auth.refresh.mutate({}),
    };
  },
  'auth.logout': () => ({ path: '/v1/auth/logout', trpc: () => tidings.auth.logout.mutate({}) }),
  'auth.me': () => ({ path: '/v1/auth/me', trpc: () => asOwner.auth.me.query({}) }),
  'auth.changePassword': () => {
    const same = { currentPassword: owner.password, newPassword: owner.password };
    return {
      path: '/v1/auth/password',
      body: same,
      trpc: () => asOwner.auth.changePassword.mutate(same),
    };
  },
  'sessions.list': () => ({ path: '/v1/sessions', trpc: () => asOwner.sessions.list.query({}) }),
  'sessions.revoke': async () => {
    const session = async () => {
      const { email, password } = owner;
      const { headers } = await tested.call('POST', '/v1/auth/login', { email, password });
      return headers.get('set-cookie')?.match(/ses_\w{32}/)?.[0] ?? '';
    };
    const [one, other] = [await session(), await session()];
    return {
      path: `/v1/sessions/${one}`,
      trpc: () => asOwner.sessions.revoke.mutate({ id: other }),
    };
  },
  'accounts.list': () => ({
    path: '/v1/accounts?limit=1',
    trpc: () => asOwner.accounts.list.query({ limit: 1 }),
  }),
  'accounts.get': () => ({
    path: `/v1/accounts/${owner.id}`,
    trpc: () => asOwner.accounts.get.query({ id: owner.id }),
  }),
  'accounts.update': () => ({
    path: `/v1/accounts/${owner.id}`,
    body: { name: 'Ada' },
    trpc: () => asOwner.accounts.update.mutate({ id: owner.id, name: null }),
  }),
  'invitations.create': () => ({
    path: '/v1/invitations',
    body: { email: 'guest@example.com', role: 'viewer' },
    trpc: () => asOwner.invitations.create.mutate({ email: 'guest@example.com', role: 'viewer' }),
  }),
  'invitations.list': () => ({
    path: '/v1/invitations?limit=1',
    trpc: () => asOwner.invitations.list.query({ limit: 1 }),
  }),
  'invitations.revoke': async () => {
    const [one, other] = [await invite(), await invite()];
    return {
      path: `/v1/invitations/${one.id}`,
      trpc: () => asOwner.invitations.revoke.mutate({ id: other.id }),
    };
  },
  'invitations.accept': async () => {
    const [one, other] = [await invite(), await invite()];
    const rest = { name: 'Grace', password: 'a good long password' };
    return {
      path: '/v1/invitations/accept',
      body: { token: one.token, ...rest },
      trpc: () => tidings.invitations.accept.mutate({ token: other.token, ...rest }),
    };
  },
  'projects.create': () => ({
    path: '/v1/projects',
    body: { key: newProjectKey(), name: 'Shop', retention: { auditDays: null } },
    trpc: () => asOwner.projects.create.mutate({ key: newProjectKey(), name: 'Shop' }),
  }),
  'projects.list': () => ({
    path: '/v1/projects?limit=5',
    trpc: () => asOwner.projects.list.query({ limit: 5 }),
  }),
  'projects.get': () => ({
    path: '/v1/projects/default',
    trpc: () => tidings.projects.get.query({ key: 'default' }),
  }),
  'projects.update': () => ({
    path: '/v1/projects/default',
    body: { name: 'Ours', defaultLocale: 'fr', timezone: 'Europe/Paris' },
    trpc: () => tidings.projects.update.mutate({ key: 'default', name: 'Ours' }),
  }),
  'projects.archive': async () => {
    const key = newProjectKey();
    await asOwner.projects.create.mutate({ key, name: 'Passing' });
    return {
      path: `/v1/projects/${key}/archive`,
      trpc: () => asOwner.projects.archive.mutate({ key }),
    };
  },
  'providers.create': () => ({
    path: '/v1/providers',
    body: { name: newProviderName(), settings: sendgrid, perSecond: 10 },
    trpc: () => asOwner.providers.create.mutate({ name: newProviderName(), settings: sendgrid }),
  }),
  'providers.list': () => ({ path: '/v1/providers', trpc: () => asOwner.providers.list.query({}) }),
  'providers.get': async () => {
    const id = await someProvider();
    return { path: `/v1/providers/${id}`, trpc: () => asOwner.providers.get.query({ id }) };
  },
  'providers.update': async () => {
    const id = await someProvider();
    return {
      path: `/v1/providers/${id}`,
      body: { enabled: false },
      trpc: () => asOwner.providers.update.mutate({ id, perSecond: null }),
    };
  },
  'providers.remove': async () => {
    const [one, other] = [await someProvider(), await someProvider()];
    return { path: `/v1/providers/${one}`, trpc: () => asOwner.providers.remove.mutate({ id: other }) };
  },
  'routes.list': () => ({ path: '/v1/routes', trpc: () => asOwner.routes.list.query({}) }),
  'routes.set': async () => {
    const id = await someProvider();
    return {
      path: '/v1/routes/email',
      body: { providers: [id] },
      trpc: () => asOwner.routes.set.mutate({ channel: 'email', providers: [] }),
    };
  },
  'suppressions.list': async () => {
    await someSuppression();
    return {
      path: '/v1/suppressions?channel=email&reason=manual&limit=1',
      trpc: () => tidings.suppressions.list.query({ address: 'gone@example.com' }),
    };
  },
  'suppressions.export': async () => {
    await someSuppression();
    return {
      path: '/v1/suppressions/export?reason=manual',
      trpc: () => tidings.suppressions.export.query({}),
    };
  },
  'suppressions.get': async () => {
    const id = await someSuppression();
    return { path: `/v1/suppressions/${id}`, trpc: () => tidings.suppressions.get.query({ id }) };
  },
  'suppressions.add': () => ({
    path: '/v1/suppressions',
    body: { address: 'gone@example.com', category: 'news', reason: 'complaint', note: 'by phone' },
    trpc: () => tidings.suppressions.add.mutate({ channel: 'push', address: 'token' }),
  }),
  'suppressions.import': () => ({
    path: '/v1/suppressions/import',
    body: { reason: 'hard_bounce', items: [{ address: 'gone@example.com' }, { address: 'nowhere' }] },
    trpc: () => tidings.suppressions.import.mutate({ items: [{ address: 'gone@example.com' }, 'nowhere'] }),
  }),
  'suppressions.remove': async () => {
    const [one, other] = [await someSuppression(), await someSuppression()];
    return {
      path: `/v1/suppressions/${one}`,
      trpc: () => tidings.suppressions.remove.mutate({ id: other }),
    };
  },
  'apiKeys.create': () => ({
    path: '/v1/api-keys',
    body: { name: 'checkout', scopes: ['send'], expiresAt: '2100-01-01T00:00:00Z' },
    trpc: () => tidings.apiKeys.create.mutate({ name: 'checkout', scopes: ['send'] }),
  }),
  'apiKeys.list': () => ({
    path: '/v1/api-keys?limit=5',
    trpc: () => tidings.apiKeys.list.query({ limit: 5 }),
  }),
  'apiKeys.get': async () => {
    const id = await someKey();
    return { path: `/v1/api-keys/${id}`, trpc: () => tidings.apiKeys.get.query({ id }) };
  },
  'apiKeys.rotate': async () => {
    const id = await someKey();
    return {
      path: `/v1/api-keys/${id}/rotate`,
      body: { overlapSeconds: 60 },
      trpc: () => tidings.apiKeys.rotate.mutate({ id }),
    };
  },
  'apiKeys.revoke': async () => {
    const id = await someKey();
    return { path: `/v1/api-keys/${id}/revoke`, trpc: () => tidings.apiKeys.revoke.mutate({ id }) };
  },
  'audit.list': () => ({
    path: '/v1/audit?action=apiKeys.create&limit=5',
    trpc: () => tidings.audit.list.query({ of: 'project', limit: 5 }),
  }),
  'templates.create': () => ({
    path: '/v1/templates',
    body: { key: newTemplateKey(), content: template },
    trpc: () => tidings.templates.create.mutate({ key: newTemplateKey(), content: template }),
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
    const callOf = async () => {
      const call = calls[name]?.();
      if (call === undefined) throw new Error(`no call of ${name}`);
      return call;
    };

    test('over REST it answers its status and what its output schema describes', async () => {
      const { path, body, headers } = await callOf();
      const answer = await tested.call(operation.method, path, body, {
        ...('role' in accessOf(operation) && owner.headers),
        ...headers,
      });
      expect(answer).toMatchObject({ status: operation.status });
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      operation.output.parse(answer.body);
    });

    test('over tRPC it answers what its output schema describes', async () => {
      operation.output.parse(await (await callOf()).trpc());
    });
  },
);

function accessOf({ access }: Operation): object {
  return access === 'anyone' ? {} : access;
}

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
