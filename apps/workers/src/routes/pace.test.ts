import { expect, test } from 'vitest';
import { createPace } from './pace.ts';

function open(perSecond: number) {
  let at = 1_000_000;
  const pace = createPace(perSecond, () => at);
  return {
    take: () => pace.take(),
    pass: (ms: number) => {
      at += ms;
    },
  };
}

test.each([1, 3, 10, 250, 1000])('%d a second: in any second no more than that and a tenth', (perSecond) => {
  const { take, pass } = open(perSecond);
  const sent: number[] = [];
  for (let ms = 0; ms < 10_000; ms += 1, pass(1)) {
    for (let tries = 0; tries < 5; tries += 1) if (take() === 0) sent.push(ms);
  }
  const most = Math.max(...sent.map((from) => sent.filter((ms) => ms >= from && ms < from + 1000).length));
  expect(most).toBeLessThanOrEqual(perSecond + Math.max(1, perSecond / 10));
  expect(sent.length).toBeGreaterThanOrEqual(perSecond * 10);
});

test('who comes too early is told a time of its own, in which there is a place for it', () => {
  const { take, pass } = open(10);
  expect(take()).toBe(0);
  const told = Array.from({ length: 5 }, take);
  expect(told).toEqual([100, 200, 300, 400, 500]);
  let at = 0;
  for (const ms of told) {
    pass(ms - at);
    at = ms;
    expect(take()).toBe(0);
  }
});

test('what nobody used is not saved up', () => {
  const { take, pass } = open(100);
  pass(60_000);
  const atOnce = Array.from({ length: 100 }, take).filter((ms) => ms === 0);
  expect(atOnce).toHaveLength(10);
});
