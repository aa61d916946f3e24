import { deliveredEvent } from '@tidings/contracts';
import { expect, test } from 'vitest';
import { deliveredEventOf, type RecordedEvent } from './delivered-event.ts';

const event: RecordedEvent = {
  id: 'evt_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
  externalId: 'order-1042-created',
  source: '/orders',
  origin: 'application',
  type: 'order.created',
  subject: 'user-42',
  occurredAt: 1_770_000_000_123,
  data: { orderId: '1042' },
};

test('what consumers get of an event is what the contract says, type, timestamp and data first', () => {
  // What else stands in its row is nobody's business.
  const row = { ...event, projectId: 'prj_1', requestHash: 'secret', createdAt: 1 };
  expect(deliveredEvent.parse(deliveredEventOf(row))).toEqual({
    type: 'order.created',
    timestamp: '2026-02-02T02:40:00.123Z',
    data: { orderId: '1042' },
    id: event.id,
    externalId: 'order-1042-created',
    source: '/orders',
    origin: 'application',
    subject: 'user-42',
  });
  expect(Object.keys(deliveredEventOf(row)).slice(0, 3)).toEqual(['type', 'timestamp', 'data']);
});

test('an event without a source of its own has none', () => {
  const bare = { ...event, source: '', externalId: null, subject: null };
  expect(deliveredEvent.parse(deliveredEventOf(bare))).toMatchObject({
    source: null,
    externalId: null,
    subject: null,
  });
});
