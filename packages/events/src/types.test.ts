import { expect, test } from 'vitest';
import { type Matching, matches } from './matches.ts';
import { matchesType, namesHappenings } from './types.ts';

test.each([
  ['order.created', 'order.created', true],
  ['order.created', 'order.created.late', false],
  ['order.*', 'order.created', true],
  ['order.*', 'order.line.added', true],
  ['order.*', 'order', false],
  ['order.*', 'orders.created', false],
  ['order.line.*', 'order.created', false],
  ['*', 'order.created', true],
])('%s names %s: %s', (pattern, type, isNamed) => {
  expect(matchesType(pattern, type)).toBe(isNamed);
});

test.each([
  [['message.failed'], true],
  [['order.*', 'message.*'], true],
  [['subscription.*'], true],
  [['*'], false],
  [['order.*', 'message', 'message.failed.again', 'messages.*'], false],
])('%j names happenings: %s', (patterns, does) => {
  expect(namesHappenings(patterns)).toBe(does);
});

const event = { source: '', subject: null, data: {} };

test('what Tidings tells of itself is for those that name it, and for no rule that notifies', () => {
  const happening = { ...event, type: 'message.failed', origin: 'tidings' as const };
  const isFor = (kind: Matching['kind'], ...types: string[]) =>
    matches({ kind, types, filter: null }, happening);
  expect(isFor('webhook', '*')).toBe(false);
  expect(isFor('webhook', '*', 'message.*')).toBe(true);
  expect(isFor('queue', 'message.failed')).toBe(true);
  expect(isFor('notify', 'message.failed')).toBe(false);
});

test('a filter is asked for events of the types only', () => {
  const published = { ...event, type: 'order.created', origin: 'application' as const };
  const broken = { kind: 'queue' as const, filter: 'data < 3' };
  expect(matches({ ...broken, types: ['invoice.*'] }, published)).toBe(false);
  expect(matches({ ...broken, types: ['order.*'] }, published)).toBe('failed');
  expect(matches({ ...broken, types: ['*'], filter: 'type == "order.created"' }, published)).toBe(true);
});
