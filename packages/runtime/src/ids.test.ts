import { validate, version } from 'uuid';
import { expect, test } from 'vitest';
import { newId } from './ids.ts';

test('an id is its prefix and a UUID of version 7 that says when it was made', () => {
  const before = Date.now();
  const digits = newId('message').replace(/^msg_/, '');
  const uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  expect(validate(uuid)).toBe(true);
  expect(version(uuid)).toBe(7);
  expect(Number.parseInt(digits.slice(0, 12), 16)).toBeGreaterThanOrEqual(before);
});

test('ids sort in the order in which they were made, however many a millisecond has', () => {
  const ids = Array.from({ length: 50_000 }, () => newId('notification'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
});

test('no two ids share their random part', () => {
  const tails = Array.from({ length: 10_000 }, () => newId('message').slice(-10));
  expect(new Set(tails).size).toBe(tails.length);
});
