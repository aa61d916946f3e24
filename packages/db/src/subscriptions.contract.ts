import type { CopyStatus } from '@tidings/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStore, type Database, type NewSubscription, type Store } from './index.ts';
import type { Place } from './schema/tables.ts';

/** Consumers of events, and how much waits for them, on every dialect. */
export function subscriptionsContract(dialect: string, open: () => Promise<Database>): void {
  describe(`subscriptions on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    let projectId: string;
    let made = 0;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      projectId = await store.ensureProject({ id: 'prj_1', key: 'default' });
    });
    afterEach(() => database.close());

    const nextId = (prefix: string) => {
      made += 1;
      return `${prefix}_${String(made).padStart(8, '0')}`;
    };
    const actor = { kind: 'system' as const, id: '', address: '', requestId: '' };
    const by = (action: string, target: string) => ({
      actor,
      change: { id: nextId('aud'), projectId, action, target },
    });
    const add = (fields: Partial<NewSubscription> = {}) => {
      const id = nextId('sub');
      const settings = { kind: 'queue' as const, ordered: false, maxFailures: 8 };
      const subscription = {
        id,
        name: id,
        kind: settings.kind,
        types: ['order.*'],
        filter: null,
        ofHappenings: false,
        ordered: false,
        settings,
        sealed: 'sealed',
        ...fields,
      };
      return store.createSubscription(projectId, subscription, by('subscriptions.create', id));
    };
    const added = async (fields: Partial<NewSubscription> = {}) => (await add(fields))?.id ?? '';
    const recorded = async () => (await store.listAudit(projectId, { limit: 100 })).length;

    /** Copies as a fan-out and workers leave them behind. */
    async function addCopies(
      subscriptionId: string,
      copies: Array<[CopyStatus, Place | null]>,
    ): Promise<void> {
      for (const [status, place] of copies) {
        const eventId = nextId('evt');
        const at = { createdAt: 1 };
        await database.handle
          .insert(database.tables.events)
          .values({
            ...at,
            id: eventId,
            projectId,
            origin: 'application',
            type: 'x',
            occurredAt: 1,
            data: {},
          })
          .returning();
        const id = nextId('cpy');
        const reason = status === 'failed' ? ('rejected' as const) : null;
        await database.handle
          .insert(database.tables.copies)
          .values({ ...at, id, eventId, subscriptionId, projectId, status, place, reason, dueAt: 1 })
          .returning();
      }
    }

    test('a name is once in a project, and free again after a removal', async () => {
      const id = await added({ name: 'stock' });
      const before = await recorded();
      expect(await add({ name: 'stock' })).toBeUndefined();
      expect(await recorded()).toBe(before);
      const other = await added({ name: 'other' });
      const rename = () =>
        store.updateSubscription(projectId, { id: other, name: 'stock' }, by('subscriptions.update', other));
      expect(await rename()).toBe('taken');
      expect(await store.removeSubscription(projectId, id, by('subscriptions.remove', id))).toBe(true);
      expect(await rename()).toMatchObject({ id: other, name: 'stock' });
      expect(await store.findConsumer(projectId, 'stock')).toMatchObject({ id: other });
    });

    test('one that was removed is nowhere and has no secrets, and its copies stay on record', async () => {
      const id = await added();
      await addCopies(id, [
        ['queued', 'queue'],
        ['retrying', 'queue'],
        ['sending', 'queue'],
        ['queued', 'store'],
        ['delivered', null],
      ]);
      expect(await store.removeSubscription(projectId, id, by('subscriptions.remove', id))).toBe(true);
      expect(await store.removeSubscription(projectId, id, by('subscriptions.remove', id))).toBe(false);
      expect(await store.getSubscription(projectId, id)).toBeUndefined();
      expect(await store.listSubscriptions(projectId)).toEqual([]);
      expect(await store.updateSubscription(projectId, { id, types: ['*'] }, by('x.y', id))).toBeUndefined();
      const pause = { id, status: 'paused' as const };
      expect(await store.setSubscriptionStatus(projectId, pause, by('x.y', id))).toBeUndefined();
      const [row] = await database.handle.select().from(database.tables.subscriptions);
      expect(row).toMatchObject({ sealed: null, removedAt: expect.any(Number) });
      const copies = await database.handle.select().from(database.tables.copies);
      expect(copies).toHaveLength(5);
    });

    test('those of another project are not there', async () => {
      const id = await added({ name: 'stock' });
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      expect(await store.getSubscription(other, id)).toBeUndefined();
      expect(await store.findConsumer(other, 'stock')).toBeUndefined();
      expect(await store.listSubscriptions(other)).toEqual([]);
      expect(await store.removeSubscription(other, id, by('x.y', id))).toBe(false);
      expect(await store.updateSubscription(other, { id, name: 'x' }, by('x.y', id))).toBeUndefined();
    });

    test('is paused while active only, and resumed from anything as if nothing had failed', async () => {
      const id = await added();
      const set = (status: 'active' | 'paused') =>
        store.setSubscriptionStatus(projectId, { id, status }, by('x.y', id));
      const before = await recorded();
      expect(await set('active')).toMatchObject({ status: 'active' });
      expect(await recorded()).toBe(before);
      expect(await set('paused')).toMatchObject({ status: 'paused' });
      expect(await set('paused')).toMatchObject({ status: 'paused' });
      expect(await recorded()).toBe(before + 1);
      await database.handle
        .update(database.tables.subscriptions)
        .set({ status: 'disabled', reason: 'failing', failingSince: 1, heldUntil: 2, holds: 3 })
        .returning();
      expect(await set('paused')).toMatchObject({ status: 'disabled', reason: 'failing' });
      expect(await set('active')).toMatchObject({
        status: 'active',
        reason: null,
        failingSince: null,
        heldUntil: null,
        holds: 0,
      });
      expect(await recorded()).toBe(before + 2);
    });

    test('secrets are replaced by one of two at once', async () => {
      const id = await added({ sealed: 'first' });
      const replace = (sealed: string) =>
        store.replaceSigningSecrets(projectId, { id, replaced: 'first', sealed }, by('x.y', id));
      const answers = await Promise.all([replace('second'), replace('third')]);
      expect(answers.sort()).toEqual([false, true]);
      const sealed = (await store.getSubscription(projectId, id))?.sealed;
      expect(['second', 'third']).toContain(sealed);
    });

    test('a test is one copy that no fan-out repeats, in its turn where that matters', async () => {
      const id = await added({ ordered: true });
      const data = { n: 1 };
      const one = { subscriptionId: id, eventId: 'evt_test', copyId: 'cpy_test', data };
      const before = await recorded();
      expect(await store.makeTestCopy(projectId, one, by('subscriptions.test', id))).toBe(true);
      expect(await recorded()).toBe(before + 1);
      const fanOut = await store.fanOut({ rooms: new Map(), matches: () => true });
      expect(fanOut.events).toBe(0);
      expect(await store.getCopy(projectId, 'cpy_test')).toMatchObject({
        copy: { eventId: 'evt_test', status: 'queued', place: 'store', position: expect.any(Number) },
      });
      expect(await store.dataOfEvents(['evt_test'])).toEqual(new Map([['evt_test', data]]));
      const other = await store.ensureProject({ id: 'prj_2', key: 'other' });
      const foreign = { ...one, eventId: 'evt_foreign', copyId: 'cpy_foreign' };
      expect(await store.makeTestCopy(other, foreign, by('subscriptions.test', id))).toBe(false);
    });

    test('what can be caught up on is of a time, in pieces, with what became of it', async () => {
      const [id, other] = [await added(), await added()];
      const hour = 3_600_000;
      const at = Date.now() - hour;
      const ids: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        const time = at + index * 1000;
        const eventId = `evt_${time.toString(16).padStart(12, '0')}70008000000000000000`;
        ids.push(eventId);
        await database.handle
          .insert(database.tables.events)
          .values({
            id: eventId,
            projectId,
            origin: 'application',
            type: index === 3 ? 'subscription.test' : 'x',
            occurredAt: 1,
            data: { index },
            createdAt: time,
            payloadRemovedAt: index === 2 ? 1 : null,
          })
          .returning();
      }
      const [first, second] = ids as [string, string];
      await store.makeCopies(projectId, { subscriptionId: id, eventIds: [second] });
      await store.makeCopies(projectId, { subscriptionId: other, eventIds: [first] });
      const page = { subscriptionId: id, since: at, until: at + hour, limit: 10 };
      const all = await store.recoverableEvents(projectId, page);
      expect(all.map((event) => [event.id, event.copy?.status])).toEqual([
        [ids[0], undefined],
        [ids[1], 'queued'],
        [ids[4], undefined],
      ]);
      expect(all[0]?.copy).toBeNull();
      const idsOf = async (some: Partial<typeof page> & { after?: string }) =>
        (await store.recoverableEvents(projectId, { ...page, ...some })).map((event) => event.id);
      expect(await idsOf({ limit: 1 })).toEqual([ids[0], ids[1]]);
      expect(await idsOf({ after: first })).toEqual([ids[1], ids[4]]);
      expect(await idsOf({ since: at + 1 })).toEqual([ids[1], ids[4]]);
      expect(await idsOf({ until: at + 4000 })).toEqual([ids[0], ids[1]]);
      const elsewhere = await store.ensureProject({ id: 'prj_2', key: 'other' });
      expect(await store.recoverableEvents(elsewhere, page)).toEqual([]);
    });

    test('what waits, is handed over and failed is counted', async () => {
      const id = await added();
      await addCopies(await added(), [
        ['queued', 'store'],
        ['failed', null],
      ]);
      await addCopies(id, [
        ['queued', 'store'],
        ['queued', 'queue'],
        ['retrying', 'store'],
        ['sending', 'queue'],
        ['failed', null],
        ['failed', null],
        ['skipped', null],
        ['delivered', null],
      ]);
      expect(await store.copyCounts(id)).toEqual({ waiting: 3, sending: 1, failed: 2 });
    });

    test('a copy that is taken up or put back meanwhile is counted once', async () => {
      const id = await added();
      await addCopies(id, Array(20).fill(['queued', 'queue']));
      const { copies } = database.tables;
      const moves = Array.from({ length: 60 }, (_, index) => () => {
        const status = index % 2 === 0 ? 'sending' : 'retrying';
        return database.handle.update(copies).set({ status }).returning({ id: copies.id });
      });
      const counts: number[] = [];
      const looks = moves.map(() => async () => {
        const { waiting, sending } = await store.copyCounts(id);
        counts.push(waiting + sending);
      });
      await Promise.all([inTurn(moves), inTurn(looks)]);
      expect(new Set(counts)).toEqual(new Set([20]));
    });
  });
}

async function inTurn(steps: Array<() => Promise<unknown>>): Promise<void> {
  for (const step of steps) await step();
}
