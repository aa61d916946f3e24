import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSubscription, newEvent } from './copies.fixture.ts';
import {
  type CopySettlement,
  type CopyVerdict,
  createStore,
  type Database,
  type Matches,
  type NewEvent,
  type Store,
} from './index.ts';

const minute = 60_000;

/** How an event becomes copies, and how those move, on every dialect. */
export function copiesContract(dialect: string, open: () => Promise<Database>): void {
  describe(`copies on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    const projectId = 'prj_a';

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      for (const id of ['prj_a', 'prj_b']) await store.ensureProject({ id, key: id });
    });
    afterEach(() => database.close());

    const all: Matches = () => true;
    const fanOut = (rooms: Record<string, number> = {}, matches: Matches = all) =>
      store.fanOut({ rooms: new Map(Object.entries(rooms)), matches });
    const subscribe = (of: Parameters<typeof addSubscription>[2] = {}, project = projectId) =>
      addSubscription(database, project, of);
    async function publish(count = 1, of: Partial<NewEvent> = {}, project = projectId) {
      const events = Array.from({ length: count }, () => newEvent(project, of));
      await store.publish(events);
      return events.map(({ id }) => id);
    }
    async function copiesOf(subscriptionId: string) {
      const { copies } = database.tables;
      return await database.handle
        .select()
        .from(copies)
        .where(eq(copies.subscriptionId, subscriptionId))
        .orderBy(copies.eventId);
    }
    const claim = (ids: string[], token = 'token', leaseMs = minute, owner = 'worker') =>
      store.claimCopies({ ids, token, owner, leaseMs });
    const settlement = (
      copyId: string,
      verdict: CopyVerdict,
      of: Partial<CopySettlement> = {},
    ): CopySettlement => ({
      copyId,
      token: 'token',
      worker: 'worker',
      outcome: verdict.status === 'delivered' ? 'delivered' : 'transient',
      reason: verdict.status === 'delivered' ? null : verdict.reason,
      code: null,
      response: null,
      verdict,
      ...of,
    });
    const delivered: CopyVerdict = { status: 'delivered' };

    test('each subscription gets one copy of each event, however often it is fanned out', async () => {
      const [one, other] = [await subscribe(), await subscribe()];
      const events = await publish(3);
      const first = await fanOut({ [one]: 2 });
      expect(first.events).toBe(3);
      expect(first.entries.map(({ subscriptionId }) => subscriptionId)).toEqual([one, one]);
      expect(await fanOut({ [one]: 2 })).toEqual({ events: 0, entries: [] });
      expect((await copiesOf(one)).map(({ eventId, place }) => [eventId, place])).toEqual([
        [events[0], 'queue'],
        [events[1], 'queue'],
        [events[2], 'store'],
      ]);
      expect((await copiesOf(other)).map(({ place }) => place)).toEqual(['store', 'store', 'store']);
    });

    test('a copy goes from SQL into the window, to a worker, and to its end', async () => {
      const id = await subscribe();
      await publish(2);
      await fanOut();
      expect(await store.copyStates({ lookaheadMs: 0 })).toEqual([
        {
          subscriptionId: id,
          kind: 'queue',
          ordered: false,
          admitted: Number.POSITIVE_INFINITY,
          inQueue: 0,
          backlog: true,
        },
      ]);
      const entries = await store.enterCopyWindow({ subscriptionId: id, lookaheadMs: 0, limit: 1 });
      expect(entries).toEqual([
        { id: expect.any(String), subscriptionId: id, generation: 0, delayMs: expect.any(Number) },
      ]);
      expect(await store.copyStates({ lookaheadMs: 0 })).toMatchObject([{ inQueue: 1, backlog: true }]);
      const copyId = entries[0]?.id ?? '';
      const { claimed } = await claim([copyId]);
      expect(claimed).toMatchObject([
        {
          copy: { id: copyId, status: 'sending', attempt: 1, leaseToken: 'token' },
          event: { type: 'order.created', data: { number: expect.any(Number) } },
          subscription: { id, kind: 'queue' },
        },
      ]);
      expect((await claim([copyId], 'other')).refused).toMatchObject([{ copy: { status: 'sending' } }]);
      expect(await store.settleCopies([settlement(copyId, delivered)])).toEqual([{ status: 'delivered' }]);
      expect((await copiesOf(id))[0]).toMatchObject({ status: 'delivered', place: null, leaseToken: null });
    });
  });
}
