import { expect, test } from 'vitest';
import { createLoad } from './load.ts';

function open() {
  let at = 0;
  const load = createLoad(() => at);
  const running: Array<() => void> = [];
  const takeAll = () => {
    let count = 0;
    while (load.take()) count += 1;
    return count;
  };
  return {
    load,
    takeAll,
    pass: (ms: number) => {
      at += ms;
    },
    begin: (count: number) => {
      for (let left = count; left > 0; left -= 1) {
        void load.run(() => new Promise<void>((resolve) => running.push(resolve)));
      }
    },
    end: async (count: number) => {
      for (const finish of running.splice(0, count)) finish();
      await new Promise(setImmediate);
    },
  };
}

test('one that nothing is known of gets some, and more only as it is rid of them', async () => {
  const { load, takeAll, begin, end } = open();
  expect(takeAll()).toBe(64);
  begin(64);
  expect([takeAll(), load.room()]).toEqual([0, 128]);
  await end(10);
  expect(takeAll()).toBe(10);
});

test('one that is fast gets what it does in two seconds, and one that slows down loses it again', async () => {
  const { load, takeAll, begin, end, pass } = open();
  for (let round = 0; round < 4; round += 1) {
    begin(50);
    await end(50);
    pass(250);
    load.room();
  }
  expect([takeAll(), load.room()]).toEqual([400, 800]);
  for (let round = 0; round < 20; round += 1) {
    pass(250);
    load.room();
  }
  expect(load.room()).toBe(128);
});

test('a place that nobody came for is given to another', () => {
  const { takeAll, pass } = open();
  expect([takeAll(), takeAll()]).toEqual([64, 0]);
  pass(250);
  expect(takeAll()).toBe(64);
});

test('it is idle once nothing is in hand', async () => {
  const { load, begin, end } = open();
  await load.idle();
  begin(2);
  let isIdle = false;
  void load.idle().then(() => {
    isIdle = true;
  });
  await end(1);
  expect(isIdle).toBe(false);
  await end(1);
  expect(isIdle).toBe(true);
});
