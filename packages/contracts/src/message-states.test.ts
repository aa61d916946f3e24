import { describe, expect, test } from 'vitest';
import {
  canMove,
  deliveredStatuses,
  endStatuses,
  hasEnded,
  type MessageStatus,
  messageStatuses,
  notificationStatus,
  openStatuses,
  replayableStatuses,
  statusesBefore,
  transitions,
} from './index.ts';

const isDelivered = (status: MessageStatus) => (deliveredStatuses as readonly string[]).includes(status);

test('every status is in the table, and every move leads to a status', () => {
  expect(Object.keys(transitions).sort()).toEqual([...messageStatuses].sort());
  for (const to of Object.values(transitions).flat()) expect(messageStatuses).toContain(to);
});

test('every status is either open or an end', () => {
  expect([...openStatuses, ...endStatuses].sort()).toEqual([...messageStatuses].sort());
  for (const status of messageStatuses) {
    expect(hasEnded(status)).toBe((endStatuses as readonly string[]).includes(status));
  }
});

describe('an end is an end', () => {
  test.each(endStatuses.filter((status) => !isDelivered(status)))(
    '%s is left only by a replay or by a success that is reported late',
    (status) => {
      expect([...transitions[status]].sort()).toEqual(['queued', 'sent']);
    },
  );

  test('what was sent or delivered is never sent again: it only becomes delivered or bounced', () => {
    expect(transitions.sent).toEqual(['delivered', 'bounced']);
    expect(transitions.delivered).toEqual(['bounced']);
  });
});

test('every end can be replayed but a delivery', () => {
  expect([...replayableStatuses].sort()).toEqual(endStatuses.filter((status) => !isDelivered(status)).sort());
});

test('every open status can reach an end, and only what is claimed is retried', () => {
  for (const status of openStatuses) expect(transitions[status].some(hasEnded)).toBe(true);
  expect(statusesBefore('retrying')).toEqual(['sending']);
  expect(statusesBefore('failed')).toEqual(['sending']);
});

test('a message is claimed from queued, retrying, or from sending when its lease has ended', () => {
  expect(statusesBefore('sending').sort()).toEqual(['queued', 'retrying', 'sending']);
});

test('what may have been delivered is unknown from every open status, whatever ends it', () => {
  expect(statusesBefore('unknown').sort()).toEqual([...openStatuses].sort());
});

test('a success wins from every status of a message that may have been sent, but not twice', () => {
  const expected = messageStatuses.filter((status) => !isDelivered(status));
  expect(statusesBefore('sent').sort()).toEqual([...expected].sort());
});

test('the guards agree with the table', () => {
  for (const from of messageStatuses) {
    for (const to of messageStatuses) {
      expect(statusesBefore(to).includes(from)).toBe(canMove(from, to));
    }
  }
});

test.each<[MessageStatus[], string]>([
  [['queued', 'scheduled', 'sending', 'retrying'], 'accepted'],
  [['sent', 'queued'], 'partial'],
  [['failed', 'retrying'], 'partial'],
  [['sent', 'delivered'], 'completed'],
  [['sent', 'bounced'], 'ended'],
  [['skipped'], 'ended'],
])('a notification of messages that are %j is %s', (messages, status) => {
  expect(notificationStatus(messages)).toBe(status);
});
