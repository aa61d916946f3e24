import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGroup } from './index.ts';

test('what is called in one turn goes out together, and everyone gets its own result', async () => {
  const runs: number[][] = [];
  const double = createGroup<number, number>({
    maxItems: 500,
    run: async (items) => {
      runs.push(items);
      return items.map((item) => item * 2);
    },
  });
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(runs).toEqual([[1, 2, 3]]);
});

test('what comes while a group runs goes out together after it; groups never overlap', async () => {
  const runs: number[][] = [];
  const { promise: mayFinish, resolve: finish } = Promise.withResolvers<void>();
  let running = 0;
  const run = createGroup<number, number>({
    maxItems: 500,
    run: async (items) => {
      running += 1;
      expect(running).toBe(1);
      runs.push(items);
      if (runs.length === 1) await mayFinish;
      running -= 1;
      return items;
    },
  });
  const first = run(1);
  await turn();
  await turn();
  expect(runs).toEqual([[1]]);
  const later = [run(2), run(3)];
  await turn();
  expect(runs).toEqual([[1]]);
  finish();
  expect(await Promise.all([first, ...later])).toEqual([1, 2, 3]);
  expect(runs).toEqual([[1], [2, 3]]);
});

test('a group holds at most maxItems, in the order of the calls', async () => {
  const runs: number[][] = [];
  const run = createGroup<number, number>({
    maxItems: 2,
    run: async (items) => {
      runs.push(items);
      return items;
    },
  });
  await Promise.all([1, 2, 3, 4, 5].map(run));
  expect(runs).toEqual([[1, 2], [3, 4], [5]]);
});

test('a result that is an error fails only its item', async () => {
  const run = createGroup<number, number>({
    maxItems: 500,
    run: async (items) => items.map((item) => (item === 2 ? new Error('two') : item)),
  });
  const settled = await Promise.allSettled([1, 2, 3].map(run));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a group that throws is run again one by one: one bad item fails alone', async () => {
  const runs: number[][] = [];
  const run = createGroup<number, number>({
    maxItems: 500,
    run: async (items) => {
      runs.push(items);
      if (items.includes(2)) throw new Error('two');
      return items;
    },
  });
  const settled = await Promise.allSettled([1, 2, 3].map(run));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(runs).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test('an outage fails the whole group at once, and the next group is tried again', async () => {
  let away = true;
  let runs = 0;
  const run = createGroup<number, number>({
    maxItems: 500,
    isOutage: (error) => error instanceof Error && error.message === 'away',
    run: async (items) => {
      runs += 1;
      if (away) throw new Error('away');
      return items;
    },
  });
  const settled = await Promise.allSettled([1, 2, 3].map(run));
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(runs).toBe(1);
  away = false;
  expect(await run(4)).toBe(4);
});

test('an outage fails what came while the group ran, too: it would wait as long for the same', async () => {
  const { promise: isAway, reject: goAway } = Promise.withResolvers<number[]>();
  let runs = 0;
  const run = createGroup<number, number>({
    maxItems: 1,
    isOutage: () => true,
    run: () => {
      runs += 1;
      return isAway;
    },
  });
  const all = [1, 2, 3].map(run);
  await turn();
  await turn();
  goAway(new Error('away'));
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  expect(runs).toBe(1);
});

test('with gatherMs groups that follow each other closely gather more, and one after a pause goes at once', async () => {
  const runs: number[][] = [];
  const run = createGroup<number, number>({
    maxItems: 4,
    gatherMs: 200,
    run: async (items) => {
      runs.push(items);
      return items;
    },
  });
  await run(1);
  const second = run(2);
  await turn();
  await turn();
  expect(runs).toEqual([[1]]);
  const later = [run(3), run(4)];
  await Promise.all([second, ...later]);
  expect(runs).toEqual([[1], [2, 3, 4]]);
  // A full group has nothing to wait for: the rest of what was asked at once keeps the distance.
  await Promise.all([5, 6, 7, 8, 9, 10, 11, 12].map(run));
  expect(runs.slice(2)).toEqual([
    [5, 6, 7, 8],
    [9, 10, 11, 12],
  ]);
});

test('a run that throws before it awaits does not stop the group', async () => {
  let broken = true;
  const run = createGroup<number, number>({
    maxItems: 500,
    run: (items) => {
      if (broken) throw new Error('at once');
      return Promise.resolve(items);
    },
  });
  await expect(run(1)).rejects.toThrow('at once');
  broken = false;
  expect(await run(2)).toBe(2);
});

test('what weighs more goes out in smaller groups, and what weighs too much goes alone', async () => {
  const groups: number[][] = [];
  const group = createGroup<number, number>({
    run: async (items) => {
      groups.push(items);
      return items;
    },
    maxItems: 5,
    weigh: (item) => item,
  });
  const items = [2, 2, 2, 9, 0, 0, 5];
  expect(await Promise.all(items.map((item) => group(item)))).toEqual(items);
  expect(groups).toEqual([[2, 2], [2], [9], [0, 0], [5]]);
});

test('what keeps the event loop to itself leaves it as long to everything else', async () => {
  const runs: number[][] = [];
  const run = createGroup<number, number>({
    maxItems: 500,
    maxRestMs: 1000,
    run: async (items) => {
      runs.push(items);
      const until = performance.now() + 100;
      while (performance.now() < until);
      return items;
    },
  });
  await run(1);
  const second = run(2);
  await turn();
  await turn();
  expect(runs).toEqual([[1]]);
  await Promise.all([second, run(3)]);
  expect(runs).toEqual([[1], [2, 3]]);
});
