import { type NotifySettings, type SendInput, subscriptionSettings } from '@tidings/contracts';
import { expect, test } from 'vitest';
import { notificationOf } from './notification.ts';

const createdAt = Date.parse('2027-01-31T08:00:00.123Z');
const event = {
  id: 'evt_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
  externalId: 'order-1042',
  source: '',
  origin: 'application' as const,
  type: 'order.created',
  subject: 'user-42',
  occurredAt: createdAt - 60_000,
  createdAt,
  data: {
    orderId: '1042',
    customerId: 42,
    customer: { email: 'ada@example.com', name: 'Ada', note: null },
    'a/b': { 'm~n': ['first', 'second'] },
  },
};
const subscriptionId = 'sub_019a0c2f3b7d7c3e8f10a2b4c6d8e0f2';

function made(settings: Partial<Omit<NotifySettings, 'kind'>>, of: Partial<typeof event> = {}) {
  const rule = subscriptionSettings.parse({
    kind: 'notify',
    to: { email: '/data/customer/email' },
    template: 'order_confirmation',
    ...settings,
  }) as NotifySettings;
  return notificationOf({ id: subscriptionId, settings: rule }, { ...event, ...of });
}

function asked(...of: Parameters<typeof made>): SendInput {
  const answer = made(...of);
  if (answer.kind === 'fault') throw new Error(answer.detail);
  return answer.input;
}

test('a rule asks for what its settings say, and leaves to the template what they leave out', () => {
  expect(asked({})).toEqual({
    to: { email: 'ada@example.com' },
    template: 'order_confirmation',
    data: event.data,
    lane: 'normal',
    metadata: { eventId: event.id, subscriptionId },
    idempotencyKey: `${event.id}:${subscriptionId}`,
  });
  const full = asked({
    to: { email: '/data/customer/email', name: '/data/customer/name' },
    channels: ['email'],
    locale: 'fr',
    lane: 'high',
    category: 'orders',
  });
  expect(full).toMatchObject({
    to: { email: 'ada@example.com', name: 'Ada' },
    channels: ['email'],
    locale: 'fr',
    lane: 'high',
    category: 'orders',
  });
});

test('it asks for the same the second time: the delay counts from when the event was published', () => {
  const first = asked({ delaySeconds: 90 });
  expect(first.sendAt).toBe('2027-01-31T08:01:30.123Z');
  expect(asked({ delaySeconds: 90 })).toEqual(first);
});

test('the key belongs to the event and the rule: of another event or rule it is another', () => {
  const other = asked({}, { id: 'evt_019a0c2f3b7d7c3e8f10a2b4c6d8e0ff' });
  expect(other.idempotencyKey).not.toBe(asked({}).idempotencyKey);
});

test('the recipient is found by its id, whatever the event calls it, and numbers are ids too', () => {
  expect(asked({ to: { recipientId: '/subject' } }).to).toEqual({ recipientId: 'user-42' });
  expect(asked({ to: { recipientId: '/data/customerId' } }).to).toEqual({ recipientId: '42' });
});

test('variables are taken by pointer or as they are, and what is not there is left out', () => {
  const data = {
    order: { pointer: '/data/orderId' },
    second: { pointer: '/data/a~1b/m~0n/1' },
    nothing: { pointer: '/data/customer/note' },
    when: { pointer: '/timestamp' },
    what: { pointer: '/type' },
    shop: { value: 'Acme' },
    missing: { pointer: '/data/missing' },
    inherited: { pointer: '/data/constructor' },
  };
  expect(asked({ data }).data).toEqual({
    order: '1042',
    second: 'second',
    nothing: null,
    when: '2027-01-31T07:59:00.123Z',
    what: 'order.created',
    shop: 'Acme',
  });
});

test.each([
  '/data/missing',
  '/data/customer',
  '/data/customer/note',
  '/data/customer/email/length',
  '/data/__proto__',
  '/data/constructor/name',
  '/projectId',
])('without a recipient at %s nothing is asked, and the pointer is named', (pointer) => {
  expect(made({ to: { recipientId: pointer } })).toEqual({
    kind: 'fault',
    reason: 'recipient_missing',
    detail: `nothing usable stands at ${pointer}`,
  });
});

test('an empty text is nobody', () => {
  expect(
    made({}, { data: { ...event.data, customer: { ...event.data.customer, email: '' } } }),
  ).toMatchObject({
    reason: 'recipient_missing',
  });
});

test('what a send would refuse is refused in the same words, which do not quote the event', () => {
  const bad = {
    ...event.data,
    customer: { ...event.data.customer, email: 'ada@example.com\r\nBcc: eve@x.y' },
  };
  expect(made({}, { data: bad })).toEqual({
    kind: 'fault',
    reason: 'rejected',
    detail: '/to/email must be a plain e-mail address such as ada@example.com',
  });
});

test('a name that is no text is left out: the mail goes all the same', () => {
  const to = { email: '/data/customer/email', name: '/data/customer' };
  expect(asked({ to }).to).toEqual({ email: 'ada@example.com' });
});
