import type { NotifySettings } from '@tidings/contracts';
import type { ClaimedCopy } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { createMetrics, newId, parseConfig, silentLog } from '@tidings/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../../test/support/api.ts';
import { openQueue } from '../../../../test/support/engines.ts';
import { until } from '../../../../test/support/until.ts';
import { createAccepting } from './accepting.ts';
import type { CopyResult, CopySender } from './copy-sender.ts';
import { createNotifySender } from './notify.ts';

const log = silentLog();
const ends: Array<() => Promise<void>> = [];
let tested: TestApi;
let engine: QueueEngine;
let projectId: string;
let sender: CopySender;

beforeAll(async () => {
  tested = await openTestApi();
  engine = await openQueue(tested.dataDir);
  projectId = await tested.store.ensureProject({ id: newId('project'), key: 'default' });
  sender = senderOfProcess();
});
afterAll(async () => {
  for (const end of ends) await end();
  await engine.close();
  await tested.close();
});

/** The sender of another process of the workers on the same record. */
function senderOfProcess(env: Parameters<typeof parseConfig>[0] = {}, now?: () => number): CopySender {
  const { store, dataDir } = tested;
  const config = parseConfig({ DATA_DIR: dataDir, ...env });
  const accepting = createAccepting({ store, engine, config, log, metrics: createMetrics() });
  const made = createNotifySender({ store, accepting, log, now });
  ends.push(made.close);
  return made;
}

const welcome: NotifySettings = {
  kind: 'notify',
  to: { email: '/data/customer/email' },
  template: 'welcome_email',
  data: { name: { pointer: '/data/customer/name' }, link: { value: 'https://example.com/' } },
  lane: 'normal',
  delaySeconds: 0,
};

/** A copy in the hands of a worker, as a claim gives it. */
function claimed(settings: Partial<NotifySettings> = {}, publishedMsAgo = 0): ClaimedCopy {
  const now = Date.now();
  const [eventId, subscriptionId] = [newId('event'), newId('subscription')];
  return {
    event: {
      id: eventId,
      projectId,
      externalId: null,
      source: '',
      requestHash: null,
      origin: 'application',
      type: 'order.created',
      subject: 'user-42',
      occurredAt: now - publishedMsAgo,
      data: { customer: { email: 'ada@example.com', name: 'Ada' } },
      createdAt: now - publishedMsAgo,
      fannedOutAt: now,
      payloadRemovedAt: null,
    },
    subscription: {
      id: subscriptionId,
      projectId,
      name: 'confirm',
      kind: 'notify',
      types: ['order.created'],
      filter: null,
      ofHappenings: false,
      ordered: false,
      settings: { ...welcome, ...settings },
      sealed: null,
      status: 'active',
      reason: null,
      failingSince: null,
      heldUntil: null,
      holds: 0,
      createdAt: 0,
      updatedAt: 0,
      removedAt: null,
    },
    copy: {
      id: newId('copy'),
      eventId,
      subscriptionId,
      projectId,
      status: 'sending',
      reason: null,
      place: 'queue',
      position: null,
      generation: 0,
      dueAt: now,
      attempt: 1,
      failures: 0,
      unanswered: 1,
      leaseToken: 'token',
      leaseOwner: 'owner',
      leaseUntil: now + 60_000,
      claimedAt: now,
      notificationId: null,
      createdAt: now,
      endedAt: null,
    },
  };
}

const withRule = (of: ClaimedCopy, settings: Partial<NotifySettings>): ClaimedCopy => ({
  ...of,
  subscription: { ...of.subscription, settings: { ...welcome, ...settings } },
});

function notificationIn(result: CopyResult): string {
  if (result.outcome !== 'delivered' || result.notificationId === undefined) {
    throw new Error(`nothing was accepted: ${JSON.stringify(result)}`);
  }
  return result.notificationId;
}

const read = async (id: string) => (await tested.call('GET', `/v1/notifications/${id}`)).body;

/** How many notifications the event caused. */
async function causedBy({ event }: ClaimedCopy): Promise<number> {
  const { body } = await tested.call('GET', '/v1/notifications?limit=100');
  const items = body.items as Array<{ metadata: { eventId?: string } }>;
  return items.filter(({ metadata }) => metadata.eventId === event.id).length;
}

test('an event becomes a notification on record that says what caused it', async () => {
  const copy = claimed({ lane: 'high', category: 'orders' });
  const notification = await read(notificationIn(await sender.send(copy)));
  expect(notification).toMatchObject({
    template: 'welcome_email',
    lane: 'high',
    category: 'orders',
    metadata: { eventId: copy.event.id, subscriptionId: copy.subscription.id },
    messages: [{ channel: 'email', status: 'queued' }],
  });
});

test('a worker that ended between accept and settle has sent once: the next finds its notification', async () => {
  const copy = claimed();
  const first = await sender.send(copy);
  expect(await senderOfProcess().send(copy)).toEqual(first);
  expect(await causedBy(copy)).toBe(1);
});

test('two workers that have the same copy at once send once', async () => {
  const copy = claimed();
  const results = await Promise.all([sender, senderOfProcess()].map((one) => one.send(copy)));
  expect(results[0]).toEqual(results[1]);
  expect(await causedBy(copy)).toBe(1);
});

test('a rule that was changed between two runs does not notify again', async () => {
  const copy = claimed();
  const first = await sender.send(copy);
  expect(await sender.send(withRule(copy, { lane: 'bulk', category: 'news' }))).toEqual(first);
  expect(await sender.send(withRule(copy, { template: 'gone' }))).toEqual(first);
  expect(await causedBy(copy)).toBe(1);
});

test('two rules notify of one event apart', async () => {
  const copy = claimed();
  const other = { ...copy, subscription: claimed().subscription };
  const ids = [notificationIn(await sender.send(copy)), notificationIn(await sender.send(other))];
  expect(new Set(ids).size).toBe(2);
});

describe('a delay', () => {
  test('counts from when the event was published', async () => {
    const copy = claimed({ delaySeconds: 3600 }, 60_000);
    const { sendAt } = await read(notificationIn(await sender.send(copy)));
    expect(Date.parse(String(sendAt))).toBe(copy.event.createdAt + 3_600_000);
  });

  test('that is long over when the copy is worked on does not stop it', async () => {
    const copy = claimed({ delaySeconds: 60 }, 24 * 3_600_000);
    const notification = await read(notificationIn(await sender.send(copy)));
    expect(notification).toMatchObject({ sendAt: null, messages: [{ status: 'queued' }] });
  });

  test('that ended between two runs does not make two of it', async () => {
    const copy = claimed({ delaySeconds: 3600 });
    const first = await sender.send(copy);
    const later = senderOfProcess({}, () => Date.now() + 2 * 3_600_000);
    expect(await later.send(copy)).toEqual(first);
    expect(await causedBy(copy)).toBe(1);
  });
});

describe('what a rule cannot ask for is a dead letter that says why', () => {
  test.each<[string, Partial<NotifySettings>, RegExp]>([
    ['recipient_missing', { to: { recipientId: '/data/missing' } }, /\/data\/missing/],
    ['recipient_not_found', { to: { recipientId: '/subject' } }, /is not the id of a recipient/],
    ['template_not_found', { template: 'gone' }, /is not the key of a template/],
    ['channel_without_content', { channels: ['push'] }, /there is no content for push/],
    ['invalid_variables', { data: {} }, /name/],
    ['rejected', { to: { email: '/data/customer/name' } }, /must be a plain e-mail address/],
  ])('%s', async (reason, settings, response) => {
    const copy = claimed(settings);
    expect(await sender.send(copy)).toMatchObject({
      outcome: 'rejected',
      reason,
      response: expect.stringMatching(response),
    });
    expect(await causedBy(copy)).toBe(0);
  });

  test('once that is put right it is sent', async () => {
    const copy = claimed({ to: { recipientId: '/data/customer/name' } });
    expect(await sender.send(copy)).toMatchObject({ reason: 'recipient_not_found' });
    const ada = { externalId: 'Ada', email: 'ada@example.com' };
    expect((await tested.call('PUT', '/v1/recipients/Ada', { ...ada, externalId: undefined })).status).toBe(
      200,
    );
    notificationIn(await sender.send(copy));
  });
});

describe('what stops all notifications is waited for and counts as no failure', () => {
  test('too little disk', async () => {
    const full = senderOfProcess({ MIN_FREE_DISK_MB: '999999999' });
    const result = await until(
      () => full.send(claimed()),
      ({ outcome }) => outcome !== 'delivered',
    );
    expect(result).toMatchObject({ outcome: 'held', reason: 'overloaded', delayMs: 30_000 });
  });

  test('what was accepted before is delivered all the same', async () => {
    const copy = claimed();
    const first = await sender.send(copy);
    const full = senderOfProcess({ MIN_FREE_DISK_MB: '999999999' });
    await until(
      () => full.send(claimed()),
      ({ outcome }) => outcome === 'held',
    );
    expect(await full.send(copy)).toEqual(first);
    expect(await full.send(withRule(copy, { lane: 'bulk' }))).toEqual(first);
  });

  test('a record that does not answer', async () => {
    const copy = claimed();
    const giveBack = await tested.lockRecord();
    const result = await sender.send(copy);
    await giveBack();
    expect(result).toMatchObject({ outcome: 'held', reason: 'overloaded', code: 'unavailable' });
    notificationIn(await sender.send(copy));
    expect(await causedBy(copy)).toBe(1);
  });
});

test('there are seven more tries, further and further apart', () => {
  const steady = createNotifySender({
    store: tested.store,
    accepting: { accept: () => Promise.reject(new Error('never')), stop: async () => {} },
    log,
    random: () => 1,
  });
  const delays = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => steady.nextDelayMs(claimed(), failures));
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, undefined]);
});
