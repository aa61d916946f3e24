import { expect, test } from 'vitest';
import { valueAt } from './json-pointer.ts';

test('every pointer of RFC 6901 §5 finds what it says', () => {
  const document = {
    foo: ['bar', 'baz'],
    '': 0,
    'a/b': 1,
    'c%d': 2,
    'e^f': 3,
    'g|h': 4,
    'i\\j': 5,
    'k"l': 6,
    ' ': 7,
    'm~n': 8,
  };
  const expected: Record<string, unknown> = {
    '': document,
    '/foo': ['bar', 'baz'],
    '/foo/0': 'bar',
    '/': 0,
    '/a~1b': 1,
    '/c%d': 2,
    '/e^f': 3,
    '/g|h': 4,
    '/i\\j': 5,
    '/k"l': 6,
    '/ ': 7,
    '/m~0n': 8,
  };
  for (const [pointer, value] of Object.entries(expected)) expect(valueAt(document, pointer)).toEqual(value);
});

test('an escaped escape stays one', () => {
  expect(valueAt({ '~1': 'tilde one', '/': 'slash' }, '/~01')).toBe('tilde one');
});

test.each([
  '/__proto__',
  '/__proto__/polluted',
  '/constructor',
  '/constructor/name',
  '/toString',
  '/list/length',
  '/list/-',
  '/list/2',
  '/list/00',
  '/list/1e0',
  '/list/-1',
  '/list/push',
  '/list/at/name',
  '/text/0',
  '/text/length',
  '/nothing/at',
  '/number/toFixed',
  '/missing/deep/down',
])('%s finds nothing', (pointer) => {
  const document = { list: ['a', 'b'], text: 'abc', nothing: null, number: 1 };
  expect(valueAt(document, pointer)).toBeUndefined();
});

test('a member that is called like one of a prototype is found where it is an own one', () => {
  const document = JSON.parse('{"__proto__":{"id":"ours"},"constructor":"ours too"}') as unknown;
  expect(valueAt(document, '/__proto__/id')).toBe('ours');
  expect(valueAt(document, '/constructor')).toBe('ours too');
  expect(({} as { id?: unknown }).id).toBeUndefined();
});
