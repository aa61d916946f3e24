import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSubscription, changeSubscription, newEvent } from './copies.fixture.ts';
import { type CopyVerdict, createStore, type Database, type Store } from './index.ts';

const dayMs = 86_400_000;

type Retrying = CopyVerdict & { status: 'retrying' };
const failing: Retrying = {
  status: 'retrying',
  reason: 'endpoint_failed',
  countsFailure: true,
  delayMs: 5000,
  park: false,
};
const busy: Retrying = {
  status: 'retrying',
  reason: 'endpoint_busy',
  countsFailure: false,
  delayMs: 5000,
  park: true,
  holds: true,
};
const overloaded: Retrying = { ...busy, reason: 'overloaded' };
const gone: CopyVerdict = { status: 'failed', reason: 'endpoint_gone', countsFailure: true, disables: true };
const delivered: CopyVerdict = { status: 'delivered' };

/** What a subscription learns from what becomes of its copies, on every dialect. */
export function subscriptionHealthContract(dialect: string, open: () => Promise<Database>): void {
  describe(`the health of a subscription on ${dialect}`, () => {
    let database: Database;
    let store: Store;
    const projectId = 'prj_a';

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      await store.ensureProject({ id: projectId, key: projectId });
    });
    afterEach(() => database.close());

    const subscribe = (of: Parameters<typeof addSubscription>[2] = {}) =>
      addSubscription(database, projectId, of);
    async function healthOf(id: string) {
      const { subscriptions } = database.tables;
      const [row] = await database.handle.select().from(subscriptions).where(eq(subscriptions.id, id));
      const { status, reason, failingSince, heldUntil, holds } = row ?? {};
      return { status, reason, failing: failingSince !== null, held: heldUntil !== null, holds };
    }
    /** Makes copies and claims them, all together. */
    async function claim(subscriptionId: string, count: number): Promise<string[]> {
      await store.publish(Array.from({ length: count }, () => newEvent(projectId)));
      const rooms = new Map([[subscriptionId, count]]);
      const { entries } = await store.fanOut({ rooms, matches: () => true });
      const ids = entries.map(({ id }) => id);
      await store.claimCopies({ ids, token: 'token', owner: 'worker', leaseMs: 60_000 });
      return ids;
    }
    /** Settles each with its verdict, in one commit; answers what they are then. */
    async function settle(ids: string[], ...verdicts: CopyVerdict[]): Promise<string[]> {
      const settled = await store.settleCopies(
        verdicts.map((verdict, index) => ({
          copyId: ids[index] ?? '',
          token: 'token',
          worker: 'worker',
          outcome: 'transient',
          reason: verdict.status === 'delivered' ? null : verdict.reason,
          code: null,
          response: null,
          verdict,
        })),
      );
      return settled.map(({ status }) => status);
    }
    const handOver = async (id: string, ...verdicts: CopyVerdict[]) =>
      settle(await claim(id, verdicts.length), ...verdicts);
    const well = { status: 'active', reason: null, failing: false, held: false, holds: 0 };

    test('it fails from its first failure to its next delivery', async () => {
      const id = await subscribe();
      await handOver(id, failing);
      expect(await healthOf(id)).toEqual({ ...well, failing: true });
      await handOver(id, delivered);
      expect(await healthOf(id)).toEqual(well);
    });

    test('an endpoint that is busy fails too; that we are is no failure of it', async () => {
      const id = await subscribe();
      await handOver(id, overloaded, overloaded);
      expect(await healthOf(id)).toEqual({ ...well, held: true, holds: 1 });
      const other = await subscribe();
      await handOver(other, busy, busy);
      expect(await healthOf(other)).toEqual({ ...well, failing: true, held: true, holds: 1 });
    });

    test('a copy whose endpoint is gone disables it', async () => {
      const id = await subscribe();
      expect(await handOver(id, gone)).toEqual(['failed']);
      expect(await healthOf(id)).toEqual({
        ...well,
        status: 'disabled',
        reason: 'endpoint_gone',
        failing: true,
      });
    });

    test.each([
      ['fails', failing],
      ['is held', busy],
    ])('one that gives it up and %s waits until it is resumed', async (_, verdict) => {
      const id = await subscribe({ failingSince: Date.now() - 6 * dayMs });
      expect(await handOver(id, { ...verdict, disables: true })).toEqual(['retrying']);
      expect(await healthOf(id)).toMatchObject({ status: 'disabled', reason: 'failing' });
      const [state] = await store.copyStates({ lookaheadMs: 60_000 });
      expect(state).toMatchObject({ subscriptionId: id, admitted: 0 });
    });

    test('it is not given up for failures that a delivery ended since the claim', async () => {
      const id = await subscribe({ failingSince: Date.now() - 6 * dayMs });
      const ids = await claim(id, 3);
      const givesUp = { ...failing, disables: true };
      await settle(ids.slice(0, 2), givesUp, delivered);
      expect(await healthOf(id)).toEqual(well);
      await settle(ids.slice(2), givesUp);
      expect(await healthOf(id)).toEqual({ ...well, failing: true });
    });

    test('one that somebody paused stays paused', async () => {
      const id = await subscribe();
      const ids = await claim(id, 1);
      await changeSubscription(database, id, { status: 'paused' });
      await settle(ids, gone);
      expect(await healthOf(id)).toEqual({ ...well, status: 'paused', failing: true });
    });
  });
}
