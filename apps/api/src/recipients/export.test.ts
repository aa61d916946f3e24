import { recipientExport } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const content = { email: { subject: 'Hi {{ recipient.name }}', text: 'Hello' } };

test('an export holds everything about a recipient, its notifications in pages, and nothing of others', async () => {
  const person = {
    name: 'Ada',
    email: 'ada@example.com',
    attributes: { plan: 'pro' },
    quietHours: { from: '22:00', to: '07:00' },
  };
  const { body: ada } = await tested.call('PUT', '/v1/recipients/ada', person);
  await tested.call('PUT', '/v1/recipients/bob', { email: 'bob@example.com' });
  const keys = {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  };
  const subscription = { endpoint: 'https://push.example.net/ada', keys };
  await tested.call('POST', '/v1/recipients/ada/devices', { platform: 'webpush', subscription });
  for (const suppressed of [
    { address: 'ADA@example.com', category: 'news' },
    { channel: 'push', address: subscription.endpoint, note: 'by phone' },
    { address: 'bob@example.com' },
  ]) {
    await tested.call('POST', '/v1/suppressions', suppressed);
  }
  const sent: unknown[] = [];
  for (const order of ['A-1', 'A-2', 'A-3']) {
    const request = { to: { recipientId: 'ada' }, content, data: { order }, metadata: { order } };
    sent.unshift((await tested.call('POST', '/v1/notifications', request)).body.id);
  }
  await tested.call('POST', '/v1/notifications', { to: { recipientId: 'bob' }, content });
  const [message] =
    (
      await tested.store.getNotification(
        await tested.store.ensureProject({ id: 'prj_none', key: 'default' }),
        sent[0] as string,
      )
    )?.messages ?? [];
  await tested.store.claim({ ids: [message?.id ?? ''], token: 't', owner: 'w', leaseMs: 60_000 });

  const pages = [];
  for (let after: string | null = ''; after !== null; ) {
    const { status, body } = await tested.call('GET', `/v1/recipients/ada/export?limit=2${after}`);
    expect(status).toBe(200);
    const page = recipientExport.parse(body);
    pages.push(page);
    after = page.notifications.after && `&after=${page.notifications.after}`;
  }
  const { devices: _, ...contact } = ada;
  expect(pages.map(({ recipient }) => recipient)).toMatchObject([contact, contact]);
  expect(pages[0]?.devices).toMatchObject([{ platform: 'webpush', token: subscription.endpoint, keys }]);
  expect(pages[0]?.suppressions).toMatchObject([
    { channel: 'email', category: 'news', reason: 'manual' },
    { channel: 'push', address: subscription.endpoint, note: 'by phone' },
  ]);
  const items = pages.flatMap(({ notifications }) => notifications.items);
  expect(items.map(({ id }) => id)).toEqual(sent);
  expect(items[0]).toMatchObject({
    toName: 'Ada',
    content,
    data: { order: 'A-3', recipient: { name: 'Ada', email: 'ada@example.com' } },
    metadata: { order: 'A-3' },
    messages: [
      { address: 'ada@example.com', status: 'sending', attempts: [{ number: 1, outcome: 'started' }] },
    ],
  });
});

test('events about a recipient are in its export, by either of its ids, in pages of their own', async () => {
  const { body: eve } = await tested.call('PUT', '/v1/recipients/eve', {});
  const events: unknown[] = [];
  for (const subject of ['eve', String(eve.id), 'eve']) {
    const event = { type: 'order.created', subject, data: { total: events.length } };
    events.unshift((await tested.call('POST', '/v1/events', event)).body.id);
  }
  await tested.call('POST', '/v1/events', { type: 'order.created', subject: 'other' });
  const pages = [];
  for (let after: string | null = ''; after !== null; ) {
    const { body } = await tested.call('GET', `/v1/recipients/eve/export?limit=2${after}`);
    const page = recipientExport.parse(body);
    pages.push(...page.events.items);
    after = page.events.after && `&eventsAfter=${page.events.after}`;
  }
  expect(pages.map(({ id }) => id)).toEqual(events);
  expect(pages[0]).toMatchObject({ subject: 'eve', type: 'order.created', data: { total: 2 } });
  expect((await tested.call('DELETE', '/v1/recipients/eve')).body.complete).toBe(true);
  for (const id of events) {
    expect((await tested.call('GET', `/v1/events/${id}`)).body).toMatchObject({
      subject: null,
      data: {},
      payloadRemovedAt: expect.any(String),
    });
  }
});

test('a recipient of another project has none', async () => {
  const other = await tested.addProject('other');
  const asOther = { authorization: `Bearer ${other}` };
  const answer = await tested.call('GET', '/v1/recipients/ada/export', undefined, asOther);
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
});
