import { expect, test } from 'vitest';
import { createPace } from './pace.ts';

/** A pace and a clock, and messages that come again when they are told to. */
function open(perSecond: number, lateBy: () => number = () => 0) {
  let at = 1_000_000;
  const pace = createPace(perSecond, () => at);
  let made = 0;
  const coming: Array<{ id: string; at: number; isUrgent: boolean }> = [];
  const sent: Array<{ id: string; at: number; isUrgent: boolean }> = [];
  const ask = (message: { id: string; isUrgent: boolean }) => {
    const ms = pace.take(message.id, message);
    if (ms === 0) sent.push({ ...message, at });
    else coming.push({ ...message, at: at + ms + lateBy() });
    return ms;
  };
  return {
    pace,
    sent,
    add: (count: number, isUrgent = false) =>
      Array.from({ length: count }, () => {
        made += 1;
        return ask({ id: `msg_${made}`, isUrgent });
      }),
    jump: (ms: number) => {
      at += ms;
    },
    pass: (ms: number) => {
      for (const end = at + ms; at < end; at += 1) {
        for (const message of coming.splice(0)) {
          if (message.at <= at) ask(message);
          else coming.push(message);
        }
      }
    },
  };
}

const busiestSecond = (times: number[]) =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));

test.each([1, 3, 10, 100])(
  '%d a second, however many wait: no more in any second than that and a tenth, and no fewer',
  (perSecond) => {
    const { add, pass, sent } = open(perSecond);
    add(perSecond * 30);
    pass(20_000);
    expect(busiestSecond(sent.map(({ at }) => at))).toBeLessThanOrEqual(
      perSecond + Math.max(1, perSecond / 10),
    );
    expect(sent.length).toBeGreaterThanOrEqual(perSecond * 19);
  },
);

test('who comes too early is told a time of its own, and finds its place kept', () => {
  const { add, pass, sent } = open(10);
  expect(add(6)).toEqual([0, 100, 200, 300, 400, 500]);
  pass(600);
  expect(sent.map(({ id, at }) => [id, at - 1_000_000])).toEqual(
    [0, 100, 200, 300, 400, 500].map((at, index) => [`msg_${index + 1}`, at]),
  );
});

test('after a pause those who waited do not go all at once', () => {
  const { add, pass, jump, sent } = open(10);
  add(21);
  jump(3000);
  pass(100);
  expect(sent.length).toBeLessThanOrEqual(4);
  pass(3000);
  expect(sent).toHaveLength(21);
});

test.each([
  ['a little late', 0, 200],
  ['too late for their places', 300, 600],
  ['much too late', 300, 1500],
  ['seconds late', 1000, 3000],
])('where all come %s, all go, and at their pace', (_, least, most) => {
  let turn = 0;
  const lateBy = () => {
    turn += 1;
    return least + ((turn * 7919) % (most - least));
  };
  const { add, pass, sent } = open(20, lateBy);
  add(60);
  pass(10_000);
  expect(sent).toHaveLength(60);
  expect(busiestSecond(sent.map(({ at }) => at))).toBeLessThanOrEqual(20 + 5);
});

test('an urgent one goes before all that wait, and is counted', () => {
  const { add, pass, sent } = open(10);
  add(100);
  pass(5000);
  expect(add(1, true)).toEqual([0]);
  pass(5000);
  expect(sent.filter(({ isUrgent }) => isUrgent)).toHaveLength(1);
  expect(sent.length).toBeLessThanOrEqual(102);
});

test('what nobody used is not saved up, and a place that nobody came for is forgotten', () => {
  const { pace, add, pass } = open(100);
  pass(60_000);
  expect(add(100).filter((ms) => ms === 0)).toHaveLength(10);
  expect(pace.room()).toBe(110);
  const lonely = createPace(100, () => 5_000_000);
  lonely.take('msg_a', { isUrgent: false });
  expect(lonely.room()).toBe(200);
});

test('the longer others wait the less it is worth to ask', () => {
  const { pace, add } = open(10);
  expect(pace.room()).toBe(20);
  add(1000);
  expect(pace.room()).toBe(0);
});
