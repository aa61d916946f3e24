import { createTidings, type Tidings } from '@tidings/client';
import { createTemplateEngine } from '@tidings/templates';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptItem } from '../../../../packages/db/src/accept-item.fixture.ts';
import { addressHash } from '../../../../packages/db/src/store/suppressions.ts';
import { openTestApi, type TestAccount, type TestApi } from '../../../../test/support/api.ts';
import { createForesee } from './foresee.ts';

let tested: TestApi;
let tidings: Tidings;
let owner: TestAccount;
let projectId: string;
let url: string;

beforeAll(async () => {
  tested = await openTestApi({
    env: { SMTP_URL: 'smtp://mail.example.com', EMAIL_FROM: 'Acme <hello@acme.example>' },
  });
  ({ url } = await tested.listen());
  tidings = createTidings({ url, apiKey: tested.key });
  owner = await tested.addAccount('owner');
  projectId = await tested.store.ensureProject({ id: 'prj_none', key: 'default' });
  await tidings.recipients.upsert.mutate({ externalId: 'ada', email: 'ada@example.com', locale: 'fr-CA' });
  await tidings.devices.register.mutate({ recipientId: 'ada', platform: 'fcm', token: 'phone' });
});
afterAll(() => tested.close());

const content = { email: { subject: 'Hi', text: 'Hello' }, push: { title: 'Hi', body: 'Hello' } };
const data = { name: 'Ada', link: 'https://example.com/' };
type DryRun = Awaited<ReturnType<Tidings['notifications']['explain']['mutate']>>;
type Asked = Parameters<Tidings['notifications']['explain']['mutate']>[0];

const explain = (asked: Partial<Asked>): Promise<DryRun> =>
  tidings.notifications.explain.mutate({ to: { recipientId: 'ada' }, channels: ['email'], ...asked });
const first = async (asked: Partial<Asked>) => (await explain(asked)).messages[0];
const rulesOf = (message: DryRun['messages'][number] | undefined) =>
  message?.stoppedBy.map(({ rule, reason }) => `${rule} ${reason}`);

test('each message says from what, in which locale and why, to whom and by whom', async () => {
  const [message] = (await explain({ template: 'welcome_email', data })).messages;
  expect(message).toMatchObject({
    channel: 'email',
    platform: null,
    address: 'ada@example.com',
    template: { key: 'welcome_email', version: 1 },
    locale: 'fr',
    localeFrom: 'recipient',
    preference: { enabled: true, source: 'default' },
    quietUntil: null,
    suppression: null,
    route: { of: 'instance', providers: ['smtp'] },
    wouldSend: true,
    stoppedBy: [],
  });
  const localeOf = async (asked: Partial<Asked>) => {
    const found = await first({ template: 'welcome_email', data, ...asked });
    return [found?.locale, found?.localeFrom];
  };
  expect(await localeOf({ locale: 'es' })).toEqual(['es', 'send']);
  expect(await localeOf({ to: { email: 'x@example.com' } })).toEqual(['en', 'project']);
  expect(await localeOf({ locale: 'de' })).toEqual(['en', 'project']);
});

test('what a push says is rendered once, however many devices it goes to', async () => {
  const real = createTemplateEngine();
  const rendered: string[] = [];
  const foresee = createForesee({
    store: tested.store,
    engine: {
      ...real,
      render: (source, ...rest) => {
        rendered.push(source);
        return real.render(source, ...rest);
      },
    },
    routes: async () => () => ({ of: 'instance', providers: ['fcm'] }),
  });
  const planned = acceptItem({ projectId, messages: 3, message: { channel: 'push', platform: 'fcm' } });
  const notification = {
    ...planned.notification,
    content: { push: { title: 'Hi', body: '{{ x | append }}' } },
  };
  const { messages } = await foresee(
    { ...planned, notification },
    { isLocaleOfSend: false, showsAddress: true },
  );
  expect(messages.map(rulesOf)).toEqual(Array(3).fill(['rendering render_failed']));
  expect(rendered).toEqual(['Hi', '{{ x | append }}']);
});

test('nothing is stored', async () => {
  const counts = () =>
    tested.query('SELECT (SELECT count(*) FROM notifications) AS n, (SELECT count(*) FROM messages) AS m');
  const before = await counts();
  await explain({ content, channels: ['email', 'push'] });
  expect(await counts()).toEqual(before);
});

test('what the send would be refused for is said as the send would say it', async () => {
  for (const asked of [
    { to: { recipientId: 'nobody' }, content },
    { template: 'welcome_email', data: { name: 'Ada' } },
    { template: 'nowhere' },
    { content: { push: content.push } },
    { content, sendAt: '2020-01-01T00:00:00Z' },
  ]) {
    const body = { to: { recipientId: 'ada' }, channels: ['email'], ...asked };
    const sent = await tested.call('POST', '/v1/notifications', body);
    const explained = await tested.call('POST', '/v1/notifications/explain', body);
    expect(explained).toMatchObject({ status: 200, body: { wouldBeAccepted: false, messages: [] } });
    const { requestId: _, ...refusal } = explained.body.refusal as Record<string, unknown>;
    expect(sent.body).toMatchObject(refusal);
  }
});

describe('what would stop a message', () => {
  test('no address, no device', async () => {
    await tidings.recipients.upsert.mutate({ externalId: 'nowhere' });
    const { messages } = await explain({
      to: { recipientId: 'nowhere' },
      content,
      channels: ['email', 'push'],
    });
    expect(messages.map(rulesOf)).toEqual([['address no_address'], ['device no_device']]);
    expect(messages.map(({ wouldSend }) => wouldSend)).toEqual([false, false]);
  });

  test('preferences, by whose word it is; what is required goes out', async () => {
    await tidings.categories.upsert.mutate({ key: 'security', name: 'Security', required: true });
    const set = (preferences: Array<{ channel: 'email'; category?: string; enabled: boolean | null }>) =>
      tidings.preferences.set.mutate({ recipientId: 'ada', preferences });
    await tidings.preferenceDefaults.set.mutate({
      preferences: [{ channel: 'email', category: 'offers', enabled: false }],
    });
    await set([{ channel: 'email', category: 'news', enabled: false }]);
    const said = async (category: string) => {
      const found = await first({ content, category });
      return [found?.preference.source, found?.wouldSend, ...(rulesOf(found) ?? [])];
    };
    expect(await said('news')).toEqual(['recipient_category', false, 'preference opted_out']);
    expect(await said('offers')).toEqual(['project_category', false, 'preference opted_out']);
    expect(await said('orders')).toEqual(['default', true]);
    await set([{ channel: 'email', enabled: false }]);
    expect(await said('orders')).toEqual(['recipient_channel', false, 'preference opted_out']);
    expect(await said('security')).toEqual(['required', true]);
    await set([{ channel: 'email', enabled: null }]);
  });

  test('quiet hours make it wait, or stop it where their end is too late; at the time it is for', async () => {
    await tidings.recipients.upsert.mutate({ externalId: 'quiet', email: 'q@example.com', timezone: 'UTC' });
    await tidings.preferences.set.mutate({
      recipientId: 'quiet',
      quietHours: { from: '22:00', to: '07:00' },
    });
    const to = { recipientId: 'quiet' };
    const day = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const at = (time: string) => `${day}T${time}:00.000Z`;
    expect(await first({ to, content, sendAt: at('12:00') })).toMatchObject({
      quietUntil: null,
      wouldSend: true,
    });
    expect(await first({ to, content, sendAt: at('03:00') })).toMatchObject({
      quietUntil: at('07:00'),
      wouldSend: true,
    });
    expect(await first({ to, content, sendAt: at('03:00'), lane: 'critical' })).toMatchObject({
      quietUntil: null,
      wouldSend: true,
    });
    const late = await first({ to, content, sendAt: at('03:00'), expiresAt: at('06:00') });
    expect(rulesOf(late)).toEqual(['quiet_hours quiet_hours']);
  });

  test('the suppression list, of everything or of a category', async () => {
    const suppress = async (address: string, reason: string, category = '') => {
      await tested.query(`UPDATE projects SET suppression_key = 'key' WHERE id = '${projectId}'`);
      const hash = addressHash('key', 'email', address);
      await tested.query(`INSERT INTO suppressions
        (id, project_id, channel, address_hash, category, reason, created_at)
        VALUES ('sup_${hash.slice(0, 8)}', '${projectId}', 'email', '${hash}', '${category}', '${reason}', 1)`);
    };
    await suppress('gone@example.com', 'hard_bounce');
    await suppress('left@example.com', 'unsubscribed', 'news');
    await suppress('forgotten@example.com', 'erased');
    const said = async (email: string, category?: string) =>
      rulesOf(await first({ to: { email }, content, category }));
    expect(await said('GONE@example.com')).toEqual(['suppression hard_bounce']);
    expect(await said('gone@example.com', 'security')).toEqual(['suppression hard_bounce']);
    expect(await said('left@example.com', 'news')).toEqual(['suppression unsubscribed']);
    expect(await said('left@example.com', 'orders')).toEqual([]);
    expect(await said('forgotten@example.com')).toEqual([]);
  });

  test('content that cannot be rendered', async () => {
    const push = { title: 't', body: 'b', url: '{{ link }}' };
    const found = await first({ channels: ['push'], content: { push }, data: { link: 'javascript:x' } });
    expect(found?.stoppedBy).toEqual([
      {
        rule: 'rendering',
        reason: 'render_failed',
        detail: 'It cannot be rendered: url must not be a javascript: URL',
      },
    ]);
  });

  test("the project's route: its providers in their order, none for a platform, none switched on", async () => {
    const asOwner = createTidings({ url, apiKey: owner.token });
    const add = (name: string, settings: object) =>
      asOwner.providers.create.mutate({ name, settings: settings as never });
    const from = 'Acme <hello@acme.example>';
    const main = await add('main', { kind: 'sendgrid', apiKey: 'SG.key', from });
    const spare = await add('spare', { kind: 'smtp', url: 'smtp://localhost:2525', from });
    const app = '5dcf9ad4-6f5d-4b4c-8a3b-6c1b9d1f0a27';
    const push = await add('push', { kind: 'onesignal', appId: app, apiKey: 'key' });
    await asOwner.routes.set.mutate({ channel: 'email', providers: [spare.id, main.id] });
    await asOwner.routes.set.mutate({ channel: 'push', providers: [push.id] });
    const { messages, cannotKnow } = await explain({ content, channels: ['email', 'push'] });
    expect(messages.map(({ route }) => route)).toEqual([
      { of: 'project', providers: ['spare', 'main'] },
      { of: 'project', providers: [] },
    ]);
    expect(messages.map(rulesOf)).toEqual([[], ['no_provider no_provider']]);
    expect(cannotKnow.map(({ what }) => what)).toEqual(['provider_health', 'changes']);
    await asOwner.providers.update.mutate({ id: spare.id, enabled: false });
    expect((await first({ content }))?.route.providers).toEqual(['main']);
    await asOwner.providers.update.mutate({ id: main.id, enabled: false });
    expect(rulesOf(await first({ content }))).toEqual(['hold provider_unavailable']);
    await asOwner.routes.set.mutate({ channel: 'email', providers: [] });
    await asOwner.routes.set.mutate({ channel: 'push', providers: [] });
  });
});

test('it does not pretend to know providers of workers that run elsewhere', async () => {
  const { messages, cannotKnow } = await explain({ content, channels: ['push'] });
  expect(messages[0]?.route).toEqual({ of: 'instance', providers: null });
  expect(cannotKnow.map(({ what }) => what)).toContain('instance_providers');
});

test('who may send and not read is not told the address of a recipient', async () => {
  const authorization = `Bearer ${await tested.addKey(['send'])}`;
  const ask = async (to: object) => {
    const body = { to, content, channels: ['email'] };
    const answer = await tested.call('POST', '/v1/notifications/explain', body, { authorization });
    return (answer.body.messages as Array<{ address: string | null }>)[0]?.address;
  };
  expect(await ask({ recipientId: 'ada' })).toBe(null);
  expect(await ask({ email: 'ada@example.com' })).toBe('ada@example.com');
});

test('nor can it find out by what a text of its own does with the recipient', async () => {
  const authorization = `Bearer ${await tested.addKey(['send'])}`;
  const text = "{% if recipient.email contains 'ada' %}{{ x | append }}{% endif %}";
  const body = { to: { recipientId: 'ada' }, content: { email: { subject: 's', text } } };
  const asked = await tested.call('POST', '/v1/notifications/explain', body, { authorization });
  expect(asked.body).toMatchObject({ messages: [{ wouldSend: true, stoppedBy: [] }] });
  expect(asked.body.cannotKnow).toContainEqual(expect.objectContaining({ what: 'rendering' }));
  expect(rulesOf((await explain(body)).messages[0])).toEqual(['rendering render_failed']);
});
