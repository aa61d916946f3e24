import type { ErrorCode, Operation, Scope } from '@tidings/contracts';
import { roles, scopes, scopesOfRole } from '@tidings/contracts';
import { newId } from '@tidings/runtime';
import { getTableName } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tables } from '../../../packages/db/src/schema/sqlite.ts';
import { restCall, trpcCall } from '../../../test/fuzz/calls.ts';
import { type Answer, allOperations, openTestApi, type TestApi } from '../../../test/support/api.ts';

/**
 * Two projects, and every operation asked for what is the first one's. What only the first may know has this in it;
 * names that the second may use as well, such as the key of a template, have not.
 */
const secret = 'only-the-first-knows';

let tested: TestApi;
/** Credentials of the second project: a key that may do everything there, and a recipient's token. */
let stranger: { key: string; recipientToken: string };
/** A recipient of the first project, and what it would like to see of others. */
let neighbourToken: string;
let ids: Record<
  | 'recipient'
  | 'device'
  | 'notification'
  | 'message'
  | 'apiKey'
  | 'project'
  | 'account'
  | 'session'
  | 'invitation'
  | 'provider'
  | 'suppression'
  | 'subscription'
  | 'event'
  | 'copy',
  string
>;

const text = `Hello from ${secret}`;
const content = { email: { subject: text, text }, push: { title: text, body: text } };
const password = `the password of ${secret}`;

beforeAll(async () => {
  tested = await openTestApi();
  const own = async (method: string, path: string, body?: object, headers?: Record<string, string>) => {
    const answer = await tested.call(method, path, body, headers);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    return answer.body as Record<string, string> & { messages: Array<{ id: string }> };
  };
  const owner = await tested.addAccount('owner');
  const person = { name: secret, email: `${secret}@example.com`, attributes: { plan: secret } };
  const { id: recipient = '' } = await own('PUT', '/v1/recipients/user-42', person);
  const device = await own('POST', '/v1/recipients/user-42/devices', { platform: 'fcm', token: secret });
  await own('PUT', '/v1/recipients/user-42/preferences', {
    preferences: [{ channel: 'email', category: 'news', enabled: false }],
  });
  await own('PUT', '/v1/recipients/neighbour', { name: 'Neighbour' });
  for (const key of ['news', 'offers']) await own('PUT', `/v1/categories/${key}`, { name: secret });
  await own('PUT', '/v1/preference-defaults', {
    preferences: [{ channel: 'push', category: secret, enabled: false }],
  });
  await own('PUT', '/v1/template-parts/partial/footer', { text });
  await own('POST', '/v1/templates', { key: 'invoice', content: { en: content } });
  await own('POST', '/v1/templates/invoice/publish');
  await own('POST', '/v1/templates', { key: 'drafted', content: { en: content } });
  await own('PUT', '/v1/consumers/stock-service', { types: [`${secret}.*`] });
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await own('POST', '/v1/notifications', { to: { recipientId: 'user-42' }, content, sendAt });
  const apiKey = await own('POST', '/v1/api-keys', { name: secret, scopes: ['read'] });
  const settings = { kind: 'sendgrid', apiKey: secret, from: `${secret}@example.com` };
  const provider = await own('POST', '/v1/providers', { name: secret, settings }, owner.headers);
  const suppressed = { address: `${secret}@example.com`, note: secret };
  const suppression = await own('POST', '/v1/suppressions', suppressed);
  const webhook = { kind: 'webhook', url: `https://${secret}.example/webhooks` };
  const consumer = {
    name: 'webhook',
    types: ['order.*'],
    filter: `data.x == "${secret}"`,
    settings: webhook,
  };
  const subscription = await own('POST', '/v1/subscriptions', consumer);
  const tried = await own('POST', `/v1/subscriptions/${subscription.id}/test`, { data: { text } });
  const invited = { email: `guest-of-${secret}@example.com`, role: 'viewer' };
  const invitation = await own('POST', '/v1/invitations', invited, owner.headers);
  await own('PUT', '/v1/event-types/order.declared', { description: secret });
  const happened = { type: 'order.created', id: 'order-1', subject: secret, data: { text } };
  const event = await own('POST', '/v1/events', happened);
  ids = {
    recipient,
    device: device.id ?? '',
    notification: sent.id ?? '',
    message: sent.messages[0]?.id ?? '',
    apiKey: apiKey.id ?? '',
    project: await tested.store.ensureProject({ id: 'prj_none', key: 'default' }),
    account: owner.id,
    session: owner.sessionId,
    invitation: invitation.id ?? '',
    provider: provider.id ?? '',
    suppression: suppression.id ?? '',
    subscription: subscription.id ?? '',
    event: event.id ?? '',
    copy: tried.copyId ?? '',
  };
  const key = await tested.addProject('strangers');
  const asStranger = { authorization: `Bearer ${key}` };
  await own('PUT', '/v1/recipients/somebody', { name: 'Somebody' }, asStranger);
  stranger = {
    key,
    recipientToken: (await own('POST', '/v1/recipients/somebody/tokens', {}, asStranger)).token ?? '',
  };
  neighbourToken = (await own('POST', '/v1/recipients/neighbour/tokens', {})).token ?? '';
});
afterAll(() => tested.close());

/** What of the first project is asked for, and what the key of the second is told: `own`, it gets on with its own. */
interface Aim {
  input: Record<string, unknown>;
  told: ErrorCode | 'own';
}

const aims: Record<string, () => Aim> = {
  'notifications.send': () => ({
    input: { to: { recipientId: ids.recipient }, content },
    told: 'recipient_not_found',
  }),
  'notifications.sendMany': () => ({
    input: { items: [{ to: { recipientId: ids.recipient }, template: 'invoice' }] },
    told: 'own',
  }),
  'notifications.get': () => ({ input: { id: ids.notification }, told: 'not_found' }),
  'notifications.list': () => ({ input: { recipientId: ids.recipient }, told: 'own' }),
  'notifications.cancel': () => ({ input: { id: ids.notification }, told: 'not_found' }),
  'notifications.explain': () => ({
    input: { to: { recipientId: ids.recipient }, content },
    told: 'own',
  }),
  'messages.get': () => ({ input: { id: ids.message }, told: 'not_found' }),
  'messages.report': () => ({ input: { id: ids.message, type: 'bounced' }, told: 'not_found' }),
  'messages.explain': () => ({ input: { id: ids.message }, told: 'not_found' }),
  'messages.replay': () => ({ input: { id: ids.message }, told: 'not_found' }),
  'events.publish': () => ({ input: { type: 'order.created', id: 'order-1' }, told: 'own' }),
  'events.publishMany': () => ({ input: { items: [{ type: 'order.created', id: 'order-1' }] }, told: 'own' }),
  'events.get': () => ({ input: { id: ids.event }, told: 'not_found' }),
  'events.list': () => ({ input: { subject: secret }, told: 'own' }),
  'eventTypes.upsert': () => ({ input: { type: 'order.mine', description: 'Mine' }, told: 'own' }),
  'eventTypes.list': () => ({ input: {}, told: 'own' }),
  'eventTypes.remove': () => ({ input: { type: 'order.declared' }, told: 'not_found' }),
  'deadLetters.list': () => ({ input: { recipientId: ids.recipient }, told: 'own' }),
  'deadLetters.get': () => ({ input: { id: ids.message }, told: 'not_found' }),
  'deadLetters.replay': () => ({ input: { filter: { recipientId: ids.recipient } }, told: 'own' }),
  'consumers.subscribe': () => ({ input: { name: newKey(), types: ['order.*'] }, told: 'own' }),
  'consumers.receive': () => ({ input: { name: 'stock-service', waitSeconds: 0 }, told: 'not_found' }),
  'consumers.settle': () => ({
    input: { name: 'stock-service', items: [{ copyId: newId('copy'), token: 'x', outcome: 'done' }] },
    told: 'not_found',
  }),
  'consumers.extend': () => ({
    input: { name: 'stock-service', items: [{ copyId: newId('copy'), token: 'x' }] },
    told: 'not_found',
  }),
  'recipients.upsert': () => ({ input: { externalId: 'user-42', name: 'Mine' }, told: 'own' }),
  'recipients.upsertMany': () => ({
    input: { items: [{ externalId: 'user-42', email: 'mine@example.com' }] },
    told: 'own',
  }),
  'recipients.get': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'recipients.list': () => ({ input: { search: secret }, told: 'own' }),
  'recipients.erase': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'recipients.export': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'recipients.createToken': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'devices.register': () => ({
    input: { recipientId: ids.recipient, platform: 'fcm', token: 'mine' },
    told: 'not_found',
  }),
  'devices.list': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'devices.remove': () => ({
    input: { recipientId: ids.recipient, deviceId: ids.device },
    told: 'not_found',
  }),
  'categories.upsert': () => ({ input: { key: 'news', name: 'Mine' }, told: 'own' }),
  'categories.list': () => ({ input: {}, told: 'own' }),
  'categories.remove': () => ({ input: { key: 'offers' }, told: 'not_found' }),
  'preferences.get': () => ({ input: { recipientId: ids.recipient }, told: 'not_found' }),
  'preferences.set': () => ({
    input: { recipientId: ids.recipient, locale: 'fr' },
    told: 'not_found',
  }),
  'preferenceDefaults.get': () => ({ input: {}, told: 'own' }),
  'preferenceDefaults.set': () => ({
    input: { preferences: [{ channel: 'push', category: 'news', enabled: true }] },
    told: 'own',
  }),
  'templates.create': () => ({ input: { key: newKey(), content: { en: mine } }, told: 'own' }),
  'templates.get': () => ({ input: { key: 'invoice' }, told: 'not_found' }),
  'templates.list': () => ({ input: {}, told: 'own' }),
  'templates.versions': () => ({ input: { key: 'invoice' }, told: 'not_found' }),
  'templates.update': () => ({
    input: { key: 'drafted', revision: 1, content: { en: mine } },
    told: 'not_found',
  }),
  'templates.publish': () => ({ input: { key: 'drafted' }, told: 'not_found' }),
  'templates.rollback': () => ({ input: { key: 'invoice', version: 1 }, told: 'not_found' }),
  'templates.archive': () => ({ input: { key: 'invoice' }, told: 'not_found' }),
  'templates.lint': () => ({ input: { key: 'drafted' }, told: 'not_found' }),
  'templates.preview': () => ({ input: { key: 'drafted' }, told: 'not_found' }),
  'templates.testSend': () => ({
    input: { key: 'invoice', to: { email: 'mine@example.com' } },
    told: 'not_found',
  }),
  'templateParts.upsert': () => ({ input: { kind: 'partial', key: newKey(), text: 'Mine' }, told: 'own' }),
  'templateParts.get': () => ({ input: { kind: 'partial', key: 'footer' }, told: 'not_found' }),
  'templateParts.list': () => ({ input: {}, told: 'own' }),
  'templateParts.remove': () => ({ input: { kind: 'partial', key: 'footer' }, told: 'not_found' }),
  'projects.create': () => ({ input: { key: newKey(), name: 'Mine' }, told: 'forbidden' }),
  'projects.list': () => ({ input: {}, told: 'forbidden' }),
  'projects.get': () => ({ input: { key: 'default' }, told: 'not_found' }),
  'projects.update': () => ({ input: { key: 'default', name: 'Mine' }, told: 'not_found' }),
  'projects.archive': () => ({ input: { key: 'default' }, told: 'forbidden' }),
  'providers.create': () => ({
    input: { name: newKey(), settings: { kind: 'sendgrid', apiKey: 'mine', from: 'mine@example.com' } },
    told: 'forbidden',
  }),
  'providers.list': () => ({ input: {}, told: 'forbidden' }),
  'providers.get': () => ({ input: { id: ids.provider }, told: 'forbidden' }),
  'providers.update': () => ({ input: { id: ids.provider, name: 'Mine' }, told: 'forbidden' }),
  'providers.remove': () => ({ input: { id: ids.provider }, told: 'forbidden' }),
  'routes.list': () => ({ input: {}, told: 'forbidden' }),
  'routes.set': () => ({ input: { channel: 'email', providers: [ids.provider] }, told: 'forbidden' }),
  'subscriptions.create': () => ({
    input: { name: newKey(), types: ['*'], settings: { kind: 'queue' } },
    told: 'own',
  }),
  'subscriptions.list': () => ({ input: {}, told: 'own' }),
  'subscriptions.get': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.update': () => ({ input: { id: ids.subscription, types: ['*'] }, told: 'not_found' }),
  'subscriptions.remove': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.pause': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.resume': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.rotateSecret': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.test': () => ({ input: { id: ids.subscription }, told: 'not_found' }),
  'subscriptions.recover': () => ({
    input: { id: ids.subscription, since: '2020-01-01T00:00:00Z' },
    told: 'not_found',
  }),
  'copies.list': () => ({ input: { subscriptionId: ids.subscription }, told: 'own' }),
  'copies.get': () => ({ input: { id: ids.copy }, told: 'not_found' }),
  'copies.resend': () => ({ input: { id: ids.copy }, told: 'not_found' }),
  'suppressions.list': () => ({ input: { address: `${secret}@example.com` }, told: 'own' }),
  'suppressions.export': () => ({ input: {}, told: 'own' }),
  'suppressions.get': () => ({ input: { id: ids.suppression }, told: 'not_found' }),
  'suppressions.add': () => ({ input: { address: 'mine@example.com' }, told: 'own' }),
  'suppressions.import': () => ({ input: { items: [{ address: 'mine@example.com' }] }, told: 'own' }),
  'suppressions.remove': () => ({ input: { id: ids.suppression }, told: 'not_found' }),
  'apiKeys.create': () => ({ input: { name: 'mine', scopes: ['read'] }, told: 'own' }),
  'apiKeys.list': () => ({ input: {}, told: 'own' }),
  'apiKeys.get': () => ({ input: { id: ids.apiKey }, told: 'not_found' }),
  'apiKeys.rotate': () => ({ input: { id: ids.apiKey }, told: 'not_found' }),
  'apiKeys.revoke': () => ({ input: { id: ids.apiKey }, told: 'not_found' }),
  'audit.list': () => ({ input: { target: ids.recipient }, told: 'own' }),
  'auth.login': () => ({ input: { email: 'owner@example.com', password }, told: 'login_failed' }),
  'auth.refresh': () => ({ input: {}, told: 'login_required' }),
  'auth.logout': () => ({ input: {}, told: 'own' }),
  'auth.me': () => ({ input: {}, told: 'forbidden' }),
  'auth.changePassword': () => ({
    input: { currentPassword: password, newPassword: password },
    told: 'forbidden',
  }),
  'sessions.list': () => ({ input: {}, told: 'forbidden' }),
  'sessions.revoke': () => ({ input: { id: ids.session }, told: 'forbidden' }),
  'accounts.list': () => ({ input: {}, told: 'forbidden' }),
  'accounts.get': () => ({ input: { id: ids.account }, told: 'forbidden' }),
  'accounts.update': () => ({ input: { id: ids.account, role: 'viewer' }, told: 'forbidden' }),
  'invitations.create': () => ({
    input: { email: 'mine@example.com', role: 'owner' },
    told: 'forbidden',
  }),
  'invitations.list': () => ({ input: {}, told: 'forbidden' }),
  'invitations.revoke': () => ({ input: { id: ids.invitation }, told: 'forbidden' }),
  'invitations.accept': () => ({
    input: { token: `${ids.invitation}_${'x'.repeat(43)}`, name: 'Mine', password },
    told: 'invitation_not_found',
  }),
};

const mine = { push: { title: 'Mine', body: 'Mine' } };
let made = 0;
function newKey(): string {
  made += 1;
  return `mine-${made}`;
}

test('no operation is missing', () => {
  expect(Object.keys(aims).sort()).toEqual(allOperations.map(({ name }) => name).sort());
});

describe.each(allOperations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (name, operation) => {
    const { access } = operation;
    const aim = () => {
      const found = aims[name]?.();
      if (found === undefined) throw new Error(`nothing is asked of ${name}`);
      return found;
    };

    test('shows and changes nothing of another project', async () => {
      const { told } = aim();
      for (const answer of await askedBy(operation, aim, stranger.key)) {
        expect(told === 'own' ? answer.status < 300 : answer.body.code, answer.text).toBe(
          told === 'own' ? true : told,
        );
        if (told === 'own') for (const id of Object.values(ids)) expect(answer.text).not.toContain(id);
      }
    });

    test.skipIf(access === 'anyone')('knows nobody without credentials, or with wrong ones', async () => {
      const [, id = ''] = tested.key.split('_');
      for (const credentials of ['', 'nonsense', `tk_${id}_${'x'.repeat(43)}`, 'e30.e30.e30']) {
        for (const answer of await askedBy(operation, aim, credentials)) {
          expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
        }
      }
    });

    test.skipIf(access === 'anyone')('is refused to whoever may less, in the same project', async () => {
      for (const credentials of await lowerThan(operation)) {
        for (const answer of await askedBy(operation, aim, credentials)) {
          expect(answer, answer.text).toMatchObject({ status: 403, body: { code: 'forbidden' } });
        }
      }
    });

    test.skipIf(access === 'anyone')(
      "is refused to a recipient's token, of this project or another",
      async () => {
        const code = access !== 'anyone' && 'recipient' in access ? 'not_found' : 'forbidden';
        for (const credentials of [neighbourToken, stranger.recipientToken]) {
          for (const answer of await askedBy(operation, aim, credentials)) {
            expect(answer.body.code, answer.text).toBe(code);
          }
        }
      },
    );
  },
);

/** The answers over REST and tRPC. What is the first project's is neither told nor changed by either. */
async function askedBy(operation: Operation, aim: () => Aim, credentials: string): Promise<Answer[]> {
  const before = await firstProject();
  const answers: Answer[] = [];
  for (const callOf of [restCall, trpcCall]) {
    const { method, path, body, headers } = callOf(operation, aim().input);
    const authorization = credentials === '' ? '' : `Bearer ${credentials}`;
    const answer = await tested.call(method, path, body, { ...headers, authorization });
    // A problem document says where it was asked, and a page which search it is of.
    expect(answer.text.replaceAll(path, '')).not.toContain(secret);
    answers.push(answer);
  }
  expect(await firstProject()).toEqual(before);
  return answers;
}

/** Every row of the first project, and every account's. */
async function firstProject(): Promise<string[]> {
  const rows: string[] = [];
  for (const table of Object.values(tables)) {
    const name = getTableName(table);
    const found = await tested.query(`SELECT * FROM "${name}"`);
    // A key was used even where it was not enough.
    rows.push(...found.map((row) => `${name} ${JSON.stringify({ ...(row as object), last_used_at: null })}`));
  }
  const theirs = [secret, ...Object.values(ids)];
  return rows.filter((row) => theirs.some((mark) => row.includes(mark))).sort();
}

/** Good credentials of the first project that are not good enough for this. */
async function lowerThan({ access }: Operation): Promise<string[]> {
  if (access === 'anyone') return [];
  if ('scope' in access) {
    const { scope } = access;
    const without = scopes.filter((one): one is Scope => one !== scope);
    const lacking = roles.filter((role) => !scopesOfRole[role].includes(scope));
    return [await tested.addKey(without), ...(await tokensOf(lacking))];
  }
  return [tested.key, ...(await tokensOf(roles.slice(roles.indexOf(access.role) + 1)))];
}

async function tokensOf(some: (typeof roles)[number][]): Promise<string[]> {
  const accounts = await Promise.all(some.map((role) => tested.addAccount(role)));
  return accounts.map(({ token }) => token);
}
