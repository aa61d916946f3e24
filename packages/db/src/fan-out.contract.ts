import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSubscription, copiesOf, newEvent } from './copies.fixture.ts';
import type { Database } from './index.ts';

/** How an event becomes copies, on every dialect. */
export function fanOutContract(dialect: string, open: () => Promise<Database>): void {
  describe(`fan-out on ${dialect}`, () => {
    let database: Database;
    let of: ReturnType<typeof copiesOf>;

    beforeEach(async () => {
      database = await open();
      of = copiesOf(database, 'prj_a');
      for (const id of ['prj_a', 'prj_b']) await of.store.ensureProject({ id, key: id });
    });
    afterEach(() => database.close());

    test('each subscription gets one copy of each event, however often it is fanned out', async () => {
      const [one, other] = [await of.subscribe(), await of.subscribe()];
      const elsewhere = await addSubscription(database, 'prj_b');
      const events = await of.publish(3);
      const first = await of.fanOut({ rooms: { [one]: 2 } });
      expect(first.events).toBe(3);
      expect(await of.fanOut({ rooms: { [one]: 2 } })).toEqual({ events: 0, entries: [], seenTo: '' });
      const theirs = await of.rowsOf(one);
      expect(theirs.map(({ eventId, status, place }) => [eventId, status, place])).toEqual([
        [events[0], 'queued', 'queue'],
        [events[1], 'queued', 'queue'],
        [events[2], 'queued', 'store'],
      ]);
      expect(first.entries).toEqual(
        theirs.slice(0, 2).map(({ id }) => ({ id, subscriptionId: one, generation: 0, delayMs: 0 })),
      );
      expect((await of.rowsOf(other)).map(({ place }) => place)).toEqual(['store', 'store', 'store']);
      expect(await of.rowsOf(elsewhere)).toEqual([]);
    });

    test('fan-outs at once neither lose, nor double, nor reorder', async () => {
      const plain = await of.subscribe();
      const ordered = await of.subscribe({ ordered: true });
      const events: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        events.push(...(await of.publish(10)));
        await Promise.all([1, 2, 3].map(() => of.fanOut({ limit: 4 })));
      }
      while ((await of.fanOut({ limit: 4 })).events > 0);
      expect((await of.rowsOf(plain)).map(({ eventId }) => eventId)).toEqual(events);
      const inOrder = (await of.rowsOf(ordered)).toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
      expect(inOrder.map(({ eventId }) => eventId)).toEqual(events);
      expect(new Set(inOrder.map(({ position }) => position)).size).toBe(events.length);
    });

    test('turns go on beyond what 32 bits hold, which a busy year may use up', async () => {
      const id = await of.subscribe({ ordered: true });
      await of.publish(1);
      await of.fanOut();
      const { sequences } = database.tables;
      await database.handle
        .update(sequences)
        .set({ value: 2 ** 31 - 1 })
        .returning();
      await of.publish(1);
      expect(await of.fanOut()).toMatchObject({ events: 1 });
      const [first, second] = (await of.rowsOf(id)).map(({ position }) => position ?? 0);
      expect(second).toBeGreaterThan(first ?? 0);
    });

    test('a subscription gets what was accepted after it was made, and nothing of before', async () => {
      await of.publish(1);
      const id = await of.subscribe({ createdAt: Date.now() + 60_000 });
      await of.fanOut();
      expect(await of.rowsOf(id)).toEqual([]);
      await of.change(id, { createdAt: Date.now() - 60_000 });
      await of.fanOut();
      expect(await of.rowsOf(id)).toEqual([]);
      const [later] = await of.publish(1);
      await of.fanOut();
      expect((await of.rowsOf(id)).map(({ eventId }) => eventId)).toEqual([later]);
    });

    test('one that is paused gets its copies, one that is disabled or removed gets none', async () => {
      const paused = await of.subscribe({ status: 'paused' });
      const disabled = await of.subscribe({ status: 'disabled', reason: 'failing' });
      const removed = await of.subscribe({ removedAt: Date.now() });
      await of.publish(2);
      const { entries } = await of.fanOut({ rooms: { [paused]: 5, [disabled]: 5, [removed]: 5 } });
      expect(entries).toEqual([]);
      expect((await of.rowsOf(paused)).map(({ place }) => place)).toEqual(['store', 'store']);
      expect(await of.rowsOf(disabled)).toEqual([]);
      expect(await of.rowsOf(removed)).toEqual([]);
    });

    test('what is held, on trial or ordered fills no window by itself', async () => {
      const held = await of.subscribe({ heldUntil: Date.now() + 60_000, holds: 1 });
      const onTrial = await of.subscribe({ heldUntil: Date.now() - 60_000, holds: 1 });
      const ordered = await of.subscribe({ ordered: true });
      await of.publish(1);
      expect((await of.fanOut({ rooms: { [held]: 5, [onTrial]: 5, [ordered]: 5 } })).entries).toEqual([]);
    });

    test('who is asked what matches sees the data where there is a filter; one that fails is on record', async () => {
      const plain = await of.subscribe();
      const large = await of.subscribe({ filter: 'data.total > 100' });
      const broken = await of.subscribe({ filter: 'data.nothing > 1' });
      await of.store.publish([40, 400].map((total) => newEvent('prj_a', { data: { total } })));
      await of.fanOut({
        matches: ({ id, filter }, { data }) => {
          if (id === broken) return 'failed';
          return filter === null || Number(data.total) > 100;
        },
      });
      expect(await of.rowsOf(plain)).toHaveLength(2);
      expect(await of.rowsOf(large)).toHaveLength(1);
      expect(await of.rowsOf(broken)).toMatchObject([
        { status: 'failed', reason: 'filter_failed', place: null, endedAt: expect.any(Number) },
        { status: 'failed', reason: 'filter_failed' },
      ]);
    });

    test('happenings go to those that ask for them, and to no rule', async () => {
      const asks = await of.subscribe({ kind: 'webhook', ofHappenings: true });
      const other = await of.subscribe({ kind: 'webhook' });
      const rule = await of.subscribe({ kind: 'notify', ofHappenings: true });
      await of.publish(1, { origin: 'tidings', type: 'message.sent' });
      await of.fanOut();
      const counts = [asks, other, rule].map(async (id) => (await of.rowsOf(id)).length);
      expect(await Promise.all(counts)).toEqual([1, 0, 0]);
    });

    test('a commit ends with the event at which it has copies enough, and the next goes on', async () => {
      for (let number = 0; number < 60; number += 1) await of.subscribe();
      const events = await of.publish(100);
      const sizes: number[] = [];
      for (let { events: done } = await of.fanOut(); done > 0; { events: done } = await of.fanOut())
        sizes.push(done);
      expect(sizes.length).toBeGreaterThan(1);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(events.length);
    });

    test('a commit ends when filters took long enough, though nobody got a copy, and the next goes on', async () => {
      await of.subscribe({ filter: 'data.total > 100' });
      const events = await of.publish(20);
      const matches = () => {
        const until = performance.now() + 20;
        while (performance.now() < until);
        return false;
      };
      const sizes: number[] = [];
      for (let done = -1; done !== 0; sizes.push(done)) done = (await of.fanOut({ matches })).events;
      expect(sizes.length).toBeGreaterThan(3);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(events.length);
    });

    test('projects share a commit, however much one of them has waiting', async () => {
      const busy = await of.subscribe();
      const other = await addSubscription(database, 'prj_b');
      const events = await of.publish(50);
      const later = [newEvent('prj_b'), newEvent('prj_b')];
      await of.store.publish(later);
      expect(await of.fanOut({ limit: 6 })).toMatchObject({ events: 5 });
      expect((await of.rowsOf(other)).map(({ eventId }) => eventId)).toEqual(later.map(({ id }) => id));
      expect((await of.rowsOf(busy)).map(({ eventId }) => eventId)).toEqual(events.slice(0, 3));
    });

    test.each([
      { what: 'many there are', count: 45, limit: 2, matchingMs: 0, rounds: 23 },
      { what: 'long filters take', count: 5, limit: 500, matchingMs: 60, rounds: 3 },
    ])('each project has its turn, however $what', async ({ count, limit, matchingMs, rounds }) => {
      const projects = Array.from({ length: count }, (_, number) => `prj_${number + 10}`);
      for (const id of projects) {
        await of.store.ensureProject({ id, key: id });
        await addSubscription(database, id);
      }
      for (const _ of [1, 2, 3]) await of.store.publish(projects.map((projectId) => newEvent(projectId)));
      const matches = () => {
        const until = performance.now() + matchingMs;
        while (performance.now() < until);
        return true;
      };
      let after = '';
      for (let round = 0; round < rounds; round += 1)
        after = (await of.fanOut({ limit, matches, after })).seenTo;
      const { copies } = database.tables;
      const made = await database.handle.select({ projectId: copies.projectId }).from(copies);
      expect(new Set(made.map(({ projectId }) => projectId))).toEqual(new Set(projects));
    });

    test('what was erased before it was fanned out goes to nobody', async () => {
      const id = await of.subscribe();
      await of.publish(1);
      await database.handle.update(database.tables.events).set({ payloadRemovedAt: 1 }).returning();
      expect(await of.fanOut()).toMatchObject({ events: 1, entries: [] });
      expect(await of.rowsOf(id)).toEqual([]);
    });

    test('copies of earlier events are made once, in the order of those, and wait behind what there is', async () => {
      const earlier = await of.publish(3);
      await of.fanOut();
      const id = await of.subscribe({ ordered: true });
      const [first] = await of.queued(id);
      const make = (eventIds: string[]) =>
        of.store.makeCopies('prj_a', { subscriptionId: id, eventIds: eventIds.toReversed() });
      expect(await make(earlier.slice(0, 2))).toHaveLength(2);
      expect(await make(earlier)).toHaveLength(1);
      const inOrder = (await of.rowsOf(id)).toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
      expect(inOrder[0]?.id).toBe(first);
      expect(inOrder.slice(1).map(({ eventId }) => eventId)).toEqual(earlier);
      expect(await of.store.makeCopies('prj_b', { subscriptionId: id, eventIds: earlier })).toEqual([]);
    });

    test('a copy that was made before its event was fanned out stays the only one', async () => {
      const id = await of.subscribe();
      const eventIds = await of.publish(1);
      const made = await of.store.makeCopies('prj_a', { subscriptionId: id, eventIds });
      expect(await of.fanOut({ rooms: { [id]: 1 } })).toMatchObject({ events: 1, entries: [] });
      expect((await of.rowsOf(id)).map((copy) => copy.id)).toEqual(made);
    });
  });
}
