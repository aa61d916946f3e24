import { RateLimiterMemory } from 'rate-limiter-flexible';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Limiters } from '../limiters.ts';
import { createLoginLimit, type LoginLimit } from './login-limit.ts';

let limit: LoginLimit;
let locks: string[];
beforeEach(() => {
  vi.useFakeTimers();
  limit = createLoginLimit();
  locks = [];
});
afterEach(() => vi.useRealTimers());

const onLock = async (what: string) => {
  locks.push(what);
};
/** The seconds to wait; 0 when the try is let through. */
async function take(email: string, address: string): Promise<number> {
  const refused = await limit.take({ email, address }, onLock).then(
    () => undefined,
    (error) => error,
  );
  if (refused === undefined) return 0;
  expect(refused).toMatchObject({ code: 'rate_limited' });
  return Number(refused.headers['retry-after']);
}
async function takeMany(times: number, email: string, addressOf: (index: number) => string) {
  const waits = [];
  for (let index = 0; index < times; index += 1) waits.push(await take(email, addressOf(index)));
  return waits;
}

test('an e-mail is shut out after ten tries, wherever they come from, and twice as long each time', async () => {
  const anywhere = (index: number) => `192.0.2.${index}`;
  for (const seconds of [60, 120, 240, 480, 960, 1920, 3600, 3600]) {
    expect(await takeMany(11, 'ada', anywhere)).toEqual([...Array(10).fill(0), seconds]);
    expect(await take('ada', '198.51.100.1')).toBe(seconds);
    expect(await take('grace', '198.51.100.1')).toBe(0);
    await limit.succeeded({ email: 'grace', address: '198.51.100.1' });
    vi.advanceTimersByTime(seconds * 1000 + 1);
  }
  expect(locks).toEqual(Array(8).fill('email'));
});

test('an address is shut out after fifty tries, whatever the e-mail, and nobody else with it', async () => {
  for (let index = 0; index < 50; index += 1) expect(await take(`name-${index}`, '192.0.2.1')).toBe(0);
  expect(await take('another', '192.0.2.1')).toBe(60);
  expect(await take('another', '192.0.2.2')).toBe(0);
  expect(locks).toEqual(['address']);
});

test('a right login makes the e-mail as good as new, and does not count against the address', async () => {
  for (let round = 0; round < 10; round += 1) {
    expect(await takeMany(9, 'ada', () => `192.0.2.${round}`)).toEqual(Array(9).fill(0));
    await limit.succeeded({ email: 'ada', address: `192.0.2.${round}` });
  }
  for (let index = 0; index < 200; index += 1) {
    expect(await take('grace', '198.51.100.7')).toBe(0);
    await limit.succeeded({ email: 'grace', address: '198.51.100.7' });
  }
});

test('tries at an e-mail that is shut out do not count against the address', async () => {
  expect(await takeMany(200, 'ada', () => '192.0.2.1')).toEqual([
    ...Array(10).fill(0),
    ...Array(190).fill(60),
  ]);
  for (let index = 0; index < 40; index += 1) expect(await take(`name-${index}`, '192.0.2.1')).toBe(0);
  expect(await take('another', '192.0.2.1')).toBe(60);
});

test('whoever is refused at the moment that the lock begins is not told to wait longer than it lasts', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, (_, index) => take('ada', `192.0.2.${index}`)));
  expect(all).toEqual([...Array(10).fill(0), ...Array(10).fill(60)]);
});

test('the addresses of one IPv6 network are one', async () => {
  const within = (index: number) => `2001:db8:0:1::${index.toString(16)}`;
  for (let index = 0; index < 50; index += 1) expect(await take(`name-${index}`, within(index))).toBe(0);
  expect(await take('another', '2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe(60);
  expect(await take('another', '2001:db8::2:1')).toBe(0);
});

test('a try that is taken back counts for nobody', async () => {
  for (let index = 0; index < 60; index += 1) {
    expect(await take('ada', '192.0.2.1')).toBe(0);
    await limit.giveBack({ email: 'ada', address: '192.0.2.1' });
  }
});

test('processes that share their counters share the brake', async () => {
  const shared = new Map<string, RateLimiterMemory>();
  const limiters: Limiters = {
    create: ({ name, points, durationSeconds: duration }) => {
      const known = shared.get(name) ?? new RateLimiterMemory({ points, duration });
      shared.set(name, known);
      return known;
    },
    stop: async () => {},
  };
  const hashKey = Buffer.alloc(32);
  const both = [createLoginLimit({ limiters, hashKey }), createLoginLimit({ limiters, hashKey })];
  const waits = [];
  for (let index = 0; index < 12; index += 1) {
    limit = both[index % 2] as LoginLimit;
    waits.push(await take('ada', `192.0.2.${index}`));
  }
  expect(waits).toEqual([...Array(10).fill(0), 60, 60]);
  expect(locks).toEqual(['email']);
});
