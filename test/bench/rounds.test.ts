import { expect, test } from 'vitest';
import { interleave, median, percentile } from '../../bench/harness/rounds.ts';
import { selfTimes } from '../../bench/harness/self-time.ts';

test('the median of an even number is the mean of the middle two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('a percentile is the least value that so many do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 99, 100]);
});

test('the sides of a round take turns at going first', async () => {
  const order: string[] = [];
  const side = (name: string) => async (round: number) => order.push(`${name}${round}`);
  await interleave(3, { a: side('a'), b: side('b') });
  expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
});

test('self time leaves idle time out and names native code after its caller', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0 });
  const { functions, idleShare } = selfTimes(
    {
      nodes: [
        { id: 1, callFrame: frame('run', 'file:///x/packages/db/src/a.ts'), children: [2] },
        { id: 2, callFrame: frame('') },
        { id: 3, callFrame: frame('(idle)') },
      ],
      samples: [1, 2, 3],
      timeDeltas: [10, 30, 60],
    },
    2,
  );
  expect(idleShare).toBe(0.6);
  expect(functions).toEqual([
    { name: 'native code, from run  packages/db/src/a.ts:1', share: 0.75 },
    { name: 'run  packages/db/src/a.ts:1', share: 0.25 },
  ]);
});
