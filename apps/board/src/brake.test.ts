import { expect, test } from 'vitest';
import { createBrake } from './brake.ts';

test('ten different wrong logins in a minute are enough for one address, and only for it', () => {
  let now = 0;
  const brake = createBrake({ now: () => now });
  for (let count = 0; count < 10; count += 1) {
    expect(brake.waitMs('one')).toBe(0);
    brake.note('one', `guess ${count}`);
  }
  expect(brake.waitMs('one')).toBe(60_000);
  expect(brake.waitMs('another')).toBe(0);
  now = 59_999;
  expect(brake.waitMs('one')).toBe(1);
  now = 60_000;
  expect(brake.waitMs('one')).toBe(0);
});

test('the same wrong login again and again, as of a page that was left open, shuts nobody out', () => {
  const brake = createBrake();
  for (let count = 0; count < 1000; count += 1) brake.note('one', 'old password');
  expect(brake.waitMs('one')).toBe(0);
});

test('however many addresses guess, what it remembers stays small', () => {
  const brake = createBrake({ limit: 1 });
  for (let count = 0; count < 20_001; count += 1) brake.note(`address ${count}`, 'guess');
  expect(brake.waitMs('address 0')).toBe(0);
  expect(brake.waitMs('address 20000')).toBeGreaterThan(0);
});
