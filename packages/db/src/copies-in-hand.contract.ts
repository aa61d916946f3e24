import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSubscription, newEvent } from './copies.fixture.ts';
import { createStore, type Database, type Store } from './index.ts';

/** What is known of a copy that somebody comes back with, on every dialect. */
export function copiesInHandContract(dialect: string, open: () => Promise<Database>): void {
  describe(`copies in hand on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      await store.ensureProject({ id: 'prj_a', key: 'prj_a' });
    });
    afterEach(() => database.close());

    test('are those of the subscription that somebody has, with the token they have them under', async () => {
      const [mine, theirs] = [
        await addSubscription(database, 'prj_a', {}),
        await addSubscription(database, 'prj_a', {}),
      ];
      await store.publish([newEvent('prj_a', {}), newEvent('prj_a', {})]);
      const rooms = new Map([mine, theirs].map((id) => [id, 2]));
      const { entries } = await store.fanOut({ rooms, matches: () => true });
      const idsOf = (subscriptionId: string) =>
        entries.filter((entry) => entry.subscriptionId === subscriptionId).map(({ id }) => id);
      const [taken = '', waiting = ''] = idsOf(mine);
      const [other = ''] = idsOf(theirs);
      const claim = { token: 'token', owner: 'consumer', leaseMs: 60_000 };
      await store.claimCopies({ ids: [taken, other], ...claim });
      const ids = [taken, waiting, other, 'cpy_none'];
      const inHand = () => store.copiesInHand({ subscriptionId: mine, ids });
      expect(await inHand()).toEqual([{ id: taken, token: 'token', generation: 0, failures: 0 }]);
      await store.settleCopies([
        {
          copyId: taken,
          token: 'token',
          worker: 'consumer',
          outcome: 'transient',
          reason: 'handler_failed',
          code: null,
          response: null,
          verdict: {
            status: 'retrying',
            reason: 'handler_failed',
            countsFailure: true,
            delayMs: 0,
            park: false,
          },
        },
      ]);
      expect(await inHand()).toEqual([]);
      await store.claimCopies({ ids: [taken], ...claim, token: 'another' });
      expect(await inHand()).toEqual([{ id: taken, token: 'another', generation: 0, failures: 1 }]);
    });
  });
}
