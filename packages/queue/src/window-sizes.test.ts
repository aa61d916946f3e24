import { join } from 'node:path';
import { createStore, type Database, openSqlite, type QueueEntry, type Store } from '@tidings/db';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { acceptItem } from '../../db/src/accept-item.fixture.ts';
import { createWindowSizes, type WindowSizes } from './window-sizes.ts';

const { path: dir, remove } = tempDir();
const lane = { channel: 'email', lane: 'normal' } as const;
let made: Database[] = [];
let store: Store;
let sizes: WindowSizes;
let now: number;

beforeEach(async () => {
  const database = openSqlite({ path: join(dir, `${made.length}.db`) });
  made = [...made, database];
  store = createStore(database);
  await store.ensureProject({ id: 'prj_1', key: 'default' });
  now = 0;
  sizes = createWindowSizes({ store, largest: 4000, now: () => now });
});
afterAll(async () => {
  await Promise.all(made.map((database) => database.close()));
  remove();
});

/** A message enters a window of so many. */
async function enter(inQueue: number): Promise<QueueEntry> {
  const item = acceptItem({ projectId: 'prj_1' });
  await store.accept([item]);
  const entry = { id: item.messages[0]?.id ?? '', generation: 0, ...lane, delayMs: 0 };
  sizes.entered([entry], inQueue);
  return entry;
}

const take = ({ id }: QueueEntry) => store.claim({ ids: [id], token: id, owner: 'worker', leaseMs: 60_000 });

/** A message enters a window of so many and is taken up after this time. */
async function wait(inQueue: number, waitedMs: number): Promise<number> {
  const entry = await enter(inQueue);
  now += waitedMs;
  await take(entry);
  await sizes.measure();
  return sizes.of(lane);
}

describe('the size of a window', () => {
  test('it is what the workers get through in two seconds', async () => {
    expect(await wait(1000, 4000)).toBe(500);
    expect(await wait(500, 2000)).toBe(500);
    expect(await wait(500, 1000)).toBe(1000);
  });

  test('it shrinks while the message that is watched still waits', async () => {
    await enter(1000);
    now = 1900;
    await sizes.measure();
    expect(sizes.of(lane)).toBe(2000);
    now = 2500;
    await sizes.measure();
    expect(sizes.of(lane)).toBe(800);
    now = 3000;
    await sizes.measure();
    expect(sizes.of(lane)).toBe(667);
  });

  test('however slow the workers are there is something for each of them, and however quick an end', async () => {
    expect(await wait(1000, 3_600_000)).toBe(256);
    let size = 256;
    while (size < 4000) {
      const next = await wait(size, 10);
      expect(next).toBe(Math.min(2 * size, 4000));
      size = next;
    }
    expect(await wait(4000, 10)).toBe(4000);
  });

  test('a window that few were in says nothing of what there could be', async () => {
    expect(await wait(3, 1500)).toBe(2000);
    expect(await wait(3, 20)).toBe(2000);
  });

  test('lanes are measured apart, and a message that is not due yet is not watched', async () => {
    const bulk = { channel: 'email', lane: 'bulk' } as const;
    const later = { id: 'msg_later', generation: 0, ...bulk, delayMs: 900 };
    sizes.entered([later], 4000);
    expect(await wait(1000, 4000)).toBe(500);
    expect(sizes.of(bulk)).toBe(2000);
  });

  test('no window is larger than it may be', () => {
    expect(createWindowSizes({ store, largest: 10 }).of(lane)).toBe(10);
  });
});
