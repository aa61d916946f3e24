import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copiesOf, delivered, newEvent, rejected, retry, settlement } from './copies.fixture.ts';
import { type CopyQueueState, type Database, maxUnanswered } from './index.ts';

const minute = 60_000;

/** How copies move, on every dialect. */
export function copiesContract(dialect: string, open: () => Promise<Database>): void {
  describe(`copies on ${dialect}`, () => {
    let database: Database;
    let of: ReturnType<typeof copiesOf>;

    beforeEach(async () => {
      database = await open();
      of = copiesOf(database, 'prj_a');
      for (const id of ['prj_a', 'prj_b']) await of.store.ensureProject({ id, key: id });
    });
    afterEach(() => database.close());

    /** One copy of a new subscription, with a job. */
    async function oneCopy(subscription: Parameters<typeof of.subscribe>[0] = {}) {
      const subscriptionId = await of.subscribe(subscription);
      const [id = ''] = await of.queued(subscriptionId);
      return { subscriptionId, id };
    }
    const removePayloads = () =>
      database.handle.update(database.tables.events).set({ payloadRemovedAt: 1, data: {} }).returning();
    const changeCopy = (id: string, changes: Record<string, unknown>) =>
      database.handle
        .update(database.tables.copies)
        .set(changes)
        .where(eq(database.tables.copies.id, id))
        .returning();

    describe('the window', () => {
      test('the oldest due copies enter, and of two relays at once no two get the same', async () => {
        const id = await of.subscribe();
        await of.publish(6);
        await of.fanOut();
        const both = (await Promise.all([of.enter(id, 2), of.enter(id, 2)])).flat();
        const entered = both.map((entry) => entry.id);
        expect(new Set(entered).size).toBe(entered.length);
        const oldest = (await of.rowsOf(id)).map((row) => row.id).toSorted();
        expect(entered.toSorted()).toEqual(oldest.slice(0, entered.length));
        expect(both[0]).toEqual({
          id: expect.any(String),
          subscriptionId: id,
          generation: 0,
          delayMs: expect.any(Number),
        });
        expect(await of.stateOf(id)).toEqual({
          subscriptionId: id,
          kind: 'queue',
          ordered: false,
          isRemoved: false,
          admitted: Number.POSITIVE_INFINITY,
          inQueue: entered.length,
          backlog: true,
        });
        await of.store.leaveCopyWindow(entered.slice(1));
        expect(await of.stateOf(id)).toMatchObject({ inQueue: 1 });
      });

      test('what is due later waits in SQL, and is no backlog', async () => {
        const { subscriptionId, id } = await oneCopy();
        await of.claim([id]);
        expect(await of.settle(id, retry(minute, { park: true }))).toBe('retrying');
        expect(await of.row(id)).toMatchObject({ place: 'store', generation: 1, failures: 1 });
        expect(await of.enter(subscriptionId)).toEqual([]);
        expect(await of.stateOf(subscriptionId)).toMatchObject({ inQueue: 0, backlog: false });
        const states = await of.store.copyStates({ lookaheadMs: 2 * minute });
        expect(states).toMatchObject([{ subscriptionId, backlog: true }]);
      });

      test.each([
        ['paused', { status: 'paused' as const }],
        ['disabled', { status: 'disabled' as const }],
        ['held', { heldUntil: Date.now() + 10 * minute, holds: 1 }],
      ])('of one that is %s none enters, and what has a job goes back to SQL', async (_, change) => {
        const { subscriptionId, id } = await oneCopy();
        await of.publish(1);
        await of.fanOut();
        await of.change(subscriptionId, change);
        expect(await of.stateOf(subscriptionId)).toMatchObject({ admitted: 0, backlog: true });
        expect(await of.enter(subscriptionId)).toEqual([]);
        const { claimed, refused } = await of.claim([id]);
        expect(claimed).toEqual([]);
        expect(refused).toMatchObject([{ copy: { id, status: 'queued', place: 'store', generation: 1 } }]);
        await of.change(subscriptionId, { status: 'active', heldUntil: null, holds: 0 });
        expect(await of.enter(subscriptionId)).toHaveLength(2);
        expect((await of.claim([id])).claimed).toHaveLength(1);
      });

      test('after a hold one is on trial, until a delivery', async () => {
        const { subscriptionId, id } = await oneCopy();
        await of.publish(3);
        await of.fanOut();
        await of.claim([id]);
        const held = retry(minute, {
          countsFailure: false,
          holds: true,
          park: true,
          reason: 'overloaded',
        });
        expect(await of.settle(id, held)).toBe('retrying');
        expect(await of.row(id)).toMatchObject({ failures: 0 });
        const subscription = await of.subscription(subscriptionId);
        expect(subscription).toMatchObject({ holds: 1, failingSince: null });
        expect(subscription?.heldUntil).toBe((await of.row(id))?.dueAt);
        await of.change(subscriptionId, { heldUntil: Date.now() - 1 });
        expect(await of.stateOf(subscriptionId)).toMatchObject({ admitted: 1 });
        const [trial] = await of.enter(subscriptionId, 1);
        expect(await of.stateOf(subscriptionId)).toMatchObject({ admitted: 0 });
        await of.claim([trial?.id ?? '']);
        await of.settle(trial?.id ?? '', delivered);
        expect(await of.subscription(subscriptionId)).toMatchObject({ holds: 0 });
        expect(await of.stateOf(subscriptionId)).toMatchObject({ admitted: Number.POSITIVE_INFINITY });
      });

      test('of an ordered one they go one by one, even when the first waits for another try', async () => {
        const subscriptionId = await of.subscribe({ ordered: true });
        const [first = '', second = '', third = ''] = await of.queued(subscriptionId, 3);
        const admitted = async () => (await of.stateOf(subscriptionId))?.admitted;
        expect(await admitted()).toBe(1);
        const both = await Promise.all([of.enter(subscriptionId), of.enter(subscriptionId)]);
        expect(both.flat().map(({ id }) => id)).toEqual([first]);
        expect(await admitted()).toBe(0);
        expect((await of.claim([second])).claimed).toEqual([]);
        await of.claim([first]);
        expect(await of.enter(subscriptionId)).toEqual([]);
        await of.settle(first, retry(minute));
        expect([await admitted(), await of.enter(subscriptionId)]).toEqual([0, []]);
        await changeCopy(first, { place: 'store' });
        expect([await admitted(), await of.enter(subscriptionId)]).toEqual([0, []]);
        await changeCopy(first, { dueAt: Date.now() - 1 });
        expect(await of.enter(subscriptionId)).toMatchObject([{ id: first }]);
        await of.claim([first]);
        await of.settle(first, rejected);
        expect(await of.enter(subscriptionId)).toMatchObject([{ id: second }]);
        await changeCopy(third, { place: 'queue' });
        const { refused } = await of.claim([third]);
        expect(refused).toMatchObject([{ copy: { id: third, place: 'store', generation: 1 } }]);
        await of.claim([second]);
        await of.settle(second, delivered);
        expect(await of.enter(subscriptionId)).toMatchObject([{ id: third }]);
      });

      test('a look at more subscriptions than it may walk over goes on where the last one stood', async () => {
        const ids: string[] = [];
        for (let number = 0; number < 5; number += 1) ids.push(await of.subscribe());
        await of.publish(2);
        await of.fanOut({ rooms: { [ids[1] ?? '']: 1, [ids[3] ?? '']: 2 } });
        const looks: string[][] = [];
        let previous: CopyQueueState[] = [];
        for (let look = 0; look < 4; look += 1) {
          previous = await of.store.copyStates({ lookaheadMs: 0, previous, atOnce: 2 });
          looks.push(previous.map(({ subscriptionId }) => subscriptionId));
        }
        expect(looks).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4), ids.slice(0, 2)]);
      });

      test('overdue ones get new jobs, and what waits for later can be parked or hastened', async () => {
        const subscriptionId = await of.subscribe();
        const [late = '', lost = '', later = '', running = ''] = await of.queued(subscriptionId, 4);
        await of.lose([lost], 'bob');
        await of.claim([later, running]);
        await of.settle(later, retry(minute));
        const overdue = await of.store.overdueCopies({ graceMs: -1, limit: 10 });
        expect(overdue.map(({ id }) => id).toSorted()).toEqual([late, lost].toSorted());
        const [at] = overdue;
        const cursor = { dueAt: at?.dueAt ?? 0, id: at?.id ?? '' };
        expect(await of.store.overdueCopies({ graceMs: -1, limit: 10, cursor })).toHaveLength(1);
        const all = await of.store.overdueCopies({ graceMs: 0, limit: 10, all: true });
        expect(all.map(({ id }) => id).toSorted()).toEqual([late, lost, later].toSorted());
        expect(await of.store.renewCopyJobs([late])).toMatchObject([{ id: late, generation: 1 }]);
        expect(await of.store.hastenCopies([late, later, running])).toEqual([later]);
        await of.store.parkCopy(later);
        expect(await of.row(later)).toMatchObject({ place: 'store', generation: 1, status: 'retrying' });
        await of.store.parkCopy(running);
        expect(await of.row(running)).toMatchObject({ place: 'queue', generation: 0 });
      });
    });

    describe('claims', () => {
      test('a copy is in one hand at a time, with its event and subscription', async () => {
        const { subscriptionId, id } = await oneCopy();
        const { claimed } = await of.claim([id]);
        expect(claimed).toMatchObject([
          {
            copy: { id, status: 'sending', attempt: 1, leaseToken: 'ann', leaseOwner: 'ann' },
            event: { type: 'order.created', data: { number: expect.any(Number) } },
            subscription: { id: subscriptionId, settings: { kind: 'queue' } },
          },
        ]);
        const { claimed: none, refused } = await of.claim([id], 'bob');
        expect(none).toEqual([]);
        expect(refused).toMatchObject([{ copy: { id, leaseToken: 'ann' }, now: expect.any(Number) }]);
        expect(await of.settle(id, delivered, 'bob')).toBe('fenced');
        expect(await of.settle(id, delivered)).toBe('delivered');
        expect(await of.row(id)).toMatchObject({
          status: 'delivered',
          reason: null,
          place: null,
          leaseToken: null,
          endedAt: expect.any(Number),
        });
        expect(await of.attempts(id)).toEqual(['1 delivered ann']);
        expect((await of.claim([id])).refused).toMatchObject([{ copy: { status: 'delivered' } }]);
      });

      test('what is due later is refused as it stands', async () => {
        const { id } = await oneCopy();
        await of.claim([id]);
        await of.settle(id, retry(minute));
        const { refused } = await of.claim([id]);
        expect(refused).toMatchObject([{ copy: { status: 'retrying', place: 'queue', generation: 0 } }]);
        expect((refused[0]?.copy.dueAt ?? 0) - (refused[0]?.now ?? 0)).toBeGreaterThan(0);
      });

      test('what a dead worker had is taken over, and its attempt is on record as lost', async () => {
        const { id } = await oneCopy();
        await of.lose([id], 'ann');
        expect((await of.claim([id], 'bob')).claimed).toMatchObject([
          { copy: { attempt: 2, unanswered: 2 } },
        ]);
        expect(await of.attempts(id)).toEqual(['1 lost ann']);
        await of.settle(id, rejected, 'bob');
        expect(await of.attempts(id)).toEqual(['1 lost ann', '2 rejected bob']);
        expect(await of.row(id)).toMatchObject({ status: 'failed', reason: 'rejected', unanswered: 0 });
      });

      test('a claim that was never heard of is taken over before its lease ends', async () => {
        const { id } = await oneCopy();
        await of.claim([id], 'ann');
        const claim = { ids: [id], owner: 'bob', token: 'bob', leaseMs: minute };
        expect((await of.store.claimCopies(claim)).claimed).toEqual([]);
        expect((await of.store.claimCopies({ ...claim, unheardOf: ['ann'] })).claimed).toHaveLength(1);
      });

      test('what nobody answered for too often ends as lost', async () => {
        const { id } = await oneCopy();
        await changeCopy(id, { unanswered: maxUnanswered - 1, attempt: maxUnanswered - 1 });
        await of.lose([id], 'ann');
        const { claimed, refused } = await of.claim([id], 'bob');
        expect(claimed).toEqual([]);
        expect(refused).toMatchObject([{ copy: { status: 'failed', reason: 'worker_lost', place: null } }]);
        expect(await of.attempts(id)).toEqual([`${maxUnanswered} lost ann`]);
      });

      test('copies of a subscription that was removed end, those that have a job and those that wait', async () => {
        const subscriptionId = await of.subscribe();
        const [claimed = '', sending = ''] = await of.queued(subscriptionId, 2);
        await of.publish(2);
        await of.fanOut();
        await of.claim([sending]);
        await of.change(subscriptionId, { removedAt: Date.now() });
        const { refused } = await of.claim([claimed]);
        expect(refused).toMatchObject([{ copy: { status: 'skipped', reason: 'subscription_removed' } }]);
        expect(await of.stateOf(subscriptionId)).toMatchObject({ backlog: true });
        expect(await of.enter(subscriptionId)).toEqual([]);
        expect(await of.settle(sending, retry())).toBe('skipped');
        const statuses = (await of.rowsOf(subscriptionId)).map(({ status, reason }) => `${status} ${reason}`);
        expect(new Set(statuses)).toEqual(new Set(['skipped subscription_removed']));
        expect(await of.stateOf(subscriptionId)).toBeUndefined();
      });

      test('a copy of an event without data is not handed over', async () => {
        const { id } = await oneCopy();
        await removePayloads();
        const { claimed, refused } = await of.claim([id]);
        expect(claimed).toEqual([]);
        expect(refused).toMatchObject([
          { copy: { status: 'skipped', reason: 'payload_removed', attempt: 0, place: null } },
        ]);
      });
    });

    describe('outcomes', () => {
      test('many settle in one commit, each by its own lease', async () => {
        const subscriptionId = await of.subscribe();
        const ids = await of.queued(subscriptionId, 5);
        const [a = '', b = '', c = '', d = '', e = ''] = ids;
        await of.claim([a, b], 'ann');
        await of.claim([c, d, e], 'bob');
        const settled = await of.store.settleCopies([
          settlement(a, { status: 'delivered', notificationId: 'ntf_a' }, 'ann'),
          settlement(b, delivered, 'bob'),
          settlement(c, { status: 'delivered', notificationId: 'ntf_c' }, 'bob'),
          settlement(d, retry(5000), 'bob'),
          settlement(e, delivered, 'bob'),
          settlement(e, rejected, 'bob'),
          settlement('cpy_nothing', delivered, 'bob'),
        ]);
        expect(settled.map(({ status }) => status)).toEqual([
          'delivered',
          'fenced',
          'delivered',
          'retrying',
          'delivered',
          'fenced',
          'fenced',
        ]);
        const found = await Promise.all(ids.map((id) => of.row(id)));
        expect(found.map((row) => row?.notificationId)).toEqual(['ntf_a', null, 'ntf_c', null, null]);
        expect(found[1]).toMatchObject({ status: 'sending', leaseToken: 'ann' });
        expect(found[3]).toMatchObject({
          status: 'retrying',
          reason: 'endpoint_failed',
          place: 'queue',
          generation: 0,
          failures: 1,
          leaseToken: null,
        });
      });

      test.each([
        ['while another has it', async () => {}],
        ['after another failed', async (id: string) => void (await of.settle(id, rejected, 'bob'))],
        ['while it waits for another try', async (id: string) => void (await of.settle(id, retry(), 'bob'))],
      ])('a delivery wins, however late: %s', async (_, meanwhile) => {
        const { id } = await oneCopy();
        await of.lose([id], 'ann');
        await of.claim([id], 'bob');
        await meanwhile(id);
        expect(await of.settle(id, delivered, 'ann')).toBe('delivered');
        expect(await of.row(id)).toMatchObject({ status: 'delivered', place: null, reason: null });
        expect(await of.settle(id, delivered, 'ann')).toBe('fenced');
        if ((await of.attempts(id))[1] === '2 lost bob') await of.settle(id, rejected, 'bob');
        expect(await of.attempts(id)).toEqual(['1 delivered ann', expect.stringMatching(/^2 \w+ bob$/)]);
        expect(await of.row(id)).toMatchObject({ status: 'delivered' });
      });

      test('of an event that was erased meanwhile no words of a consumer are kept, and it is not tried again', async () => {
        const { id } = await oneCopy();
        await of.claim([id]);
        await removePayloads();
        expect(await of.settle(id, retry())).toBe('skipped');
        expect(await of.row(id)).toMatchObject({ reason: 'payload_removed', place: null });
        const { attempts } = (await of.store.getCopy('prj_a', id)) ?? {};
        expect(attempts).toMatchObject([{ outcome: 'transient', code: '200', response: null }]);
      });

      test('a late failure is on record and changes nothing', async () => {
        const { subscriptionId, id } = await oneCopy();
        await of.lose([id], 'ann');
        await of.claim([id], 'bob');
        expect(await of.settle(id, rejected, 'ann')).toBe('fenced');
        expect(await of.attempts(id)).toEqual(['1 rejected ann']);
        expect(await of.row(id)).toMatchObject({ status: 'sending', leaseToken: 'bob' });
        expect(await of.subscription(subscriptionId)).toMatchObject({ failingSince: null });
      });

      test('a late delivery takes no resend back', async () => {
        const { id } = await oneCopy();
        await of.lose([id], 'ann');
        await of.claim([id], 'bob');
        await of.settle(id, rejected, 'bob');
        await of.store.resendCopies('prj_a', [id]);
        expect(await of.settle(id, delivered, 'ann')).toBe('fenced');
        await of.claim([id], 'cat');
        expect(await of.settle(id, delivered, 'ann')).toBe('fenced');
        expect(await of.row(id)).toMatchObject({ status: 'sending', leaseToken: 'cat' });
      });

      test('since when a subscription fails is known until a delivery', async () => {
        const subscriptionId = await of.subscribe();
        const [a = '', b = '', c = ''] = await of.queued(subscriptionId, 3);
        await of.claim([a, b, c]);
        await of.settle(a, retry(minute));
        const { failingSince } = (await of.subscription(subscriptionId)) ?? {};
        expect(failingSince).toEqual(expect.any(Number));
        await changeCopy(a, { dueAt: 1 });
        await of.settle(b, rejected);
        expect(await of.subscription(subscriptionId)).toMatchObject({ failingSince });
        await of.settle(c, delivered);
        expect(await of.subscription(subscriptionId)).toMatchObject({ failingSince: null });
      });

      test('several that ask for a hold at a time ask once, and what began before does not end it', async () => {
        const subscriptionId = await of.subscribe();
        const [a = '', b = '', c = ''] = await of.queued(subscriptionId, 3);
        await of.claim([a, b, c]);
        const hold = (delayMs: number) => retry(delayMs, { holds: true, countsFailure: false });
        await of.settle(a, hold(minute));
        await of.settle(b, hold(2 * minute));
        await of.settle(c, delivered);
        const subscription = await of.subscription(subscriptionId);
        expect(subscription).toMatchObject({ holds: 1, heldUntil: (await of.row(b))?.dueAt });
      });

      test('an endpoint that is gone disables its subscription, which is told', async () => {
        await of.subscribe({ kind: 'webhook', ofHappenings: true, types: ['subscription.*'] });
        const { subscriptionId, id } = await oneCopy({ kind: 'webhook' });
        await of.claim([id]);
        await of.settle(id, {
          status: 'failed',
          reason: 'endpoint_gone',
          countsFailure: true,
          disables: true,
        });
        expect(await of.row(id)).toMatchObject({ status: 'failed', reason: 'endpoint_gone' });
        expect(await of.subscription(subscriptionId)).toMatchObject({
          status: 'disabled',
          reason: 'endpoint_gone',
        });
        const { events } = database.tables;
        const told = await database.handle.select().from(events).where(eq(events.origin, 'tidings'));
        expect(told).toMatchObject([{ type: 'subscription.disabled', data: { subscriptionId } }]);
      });
    });

    describe('resends', () => {
      test('what has ended is handed over again, with a fresh budget; what caused a notification says so', async () => {
        const subscriptionId = await of.subscribe();
        const [done = '', dead = '', open = ''] = await of.queued(subscriptionId, 3);
        await of.claim([done, dead]);
        await of.settle(done, { status: 'delivered', notificationId: 'ntf_1' });
        await of.settle(dead, rejected);
        expect(await of.store.resendCopies('prj_b', [done])).toEqual([]);
        const resent = await of.store.resendCopies('prj_a', [done, dead, open]);
        expect(resent.toSorted()).toEqual([done, dead].toSorted());
        expect(await of.row(done)).toMatchObject({
          status: 'queued',
          reason: null,
          place: 'store',
          generation: 1,
          failures: 0,
          endedAt: null,
          notificationId: 'ntf_1',
        });
        await of.enter(subscriptionId);
        expect((await of.claim([done])).claimed).toMatchObject([{ copy: { attempt: 2 } }]);
      });

      test('nothing without data, nor of a subscription that was removed', async () => {
        const { subscriptionId, id } = await oneCopy();
        await of.claim([id]);
        await of.settle(id, rejected);
        await of.change(subscriptionId, { removedAt: 1 });
        expect(await of.store.resendCopies('prj_a', [id])).toEqual([]);
        await of.change(subscriptionId, { removedAt: null });
        await removePayloads();
        expect(await of.store.resendCopies('prj_a', [id])).toEqual([]);
      });

      test('they are in the audit trail with how many', async () => {
        const { id } = await oneCopy();
        const actor = { kind: 'system', id: '', address: '', requestId: '' } as const;
        const change = { id: 'aud_1', projectId: 'prj_a', action: 'copies.resend', target: id };
        await of.store.resendCopies('prj_a', [id], { actor, change });
        expect(await of.store.listAudit('prj_a', { limit: 10 })).toEqual([]);
        await of.claim([id]);
        await of.settle(id, delivered);
        await of.store.resendCopies('prj_a', [id], { actor, change });
        expect(await of.store.listAudit('prj_a', { limit: 10 })).toMatchObject([
          { id: 'aud_1', fields: ['resent 1'] },
        ]);
      });
    });

    describe('leases', () => {
      test('those that are still held are renewed', async () => {
        const subscriptionId = await of.subscribe();
        const [mine = '', taken = '', ended = ''] = await of.queued(subscriptionId, 3);
        await of.claim([mine, taken, ended], 'ann', -1);
        await of.claim([taken], 'bob');
        await of.settle(ended, delivered);
        const leases = [mine, taken, ended].map((id) => ({ id, token: 'ann' }));
        expect(await of.store.renewCopyLeases({ leases, leaseMs: minute })).toEqual([mine]);
        expect((await of.claim([mine], 'bob')).claimed).toEqual([]);
      });

      test('those of a dead worker end, and its copies get new jobs', async () => {
        const subscriptionId = await of.subscribe();
        const [dead = '', living = ''] = await of.queued(subscriptionId, 2);
        await of.claim([dead], 'ann');
        await of.claim([living], 'bob');
        expect(await of.store.endCopyLeasesOf('ann')).toBe(1);
        expect(await of.enter(subscriptionId)).toMatchObject([{ id: dead, generation: 1 }]);
        expect((await of.claim([dead, living], 'cat')).claimed).toMatchObject([{ copy: { id: dead } }]);
      });
    });

    test('copies are listed by consumer, event and status, and shown with their attempts', async () => {
      const [one, other] = [await of.subscribe({ name: 'stock' }), await of.subscribe({ kind: 'webhook' })];
      const events = await of.publish(2);
      await of.store.publish([newEvent('prj_b')]);
      await of.fanOut({ rooms: { [one]: 2, [other]: 2 } });
      const [dead] = await of.rowsOf(one);
      const id = dead?.id ?? '';
      await of.lose([id], 'bob');
      await of.claim([id]);
      await of.settle(id, rejected);
      const list = async (search: object) =>
        (await of.store.listCopies('prj_a', { limit: 10, ...search })).map(({ copy }) => copy.id);
      const all = [...(await of.rowsOf(one)), ...(await of.rowsOf(other))].map((copy) => copy.id);
      const newest = all.toSorted().toReversed();
      expect(await list({})).toEqual(newest);
      expect(await list({ after: newest[1] })).toEqual(newest.slice(2));
      expect(await list({ subscriptionId: one })).toHaveLength(2);
      expect(await list({ eventId: events[0], subscriptionId: other })).toHaveLength(1);
      expect(await list({ status: 'failed' })).toEqual([id]);
      expect(await list({ status: 'queued' })).toHaveLength(3);
      expect(await of.store.listCopies('prj_b', { limit: 10 })).toEqual([]);
      expect(await of.store.copiesOf(events.slice(0, 1))).toMatchObject([
        { copy: { id }, subscription: { name: 'stock', kind: 'queue' } },
        { subscription: { kind: 'webhook' } },
      ]);
      expect(await of.store.getCopy('prj_a', id)).toMatchObject({
        copy: { status: 'failed' },
        subscription: { name: 'stock' },
        attempts: [
          { number: 1, outcome: 'lost', worker: 'bob' },
          { number: 2, outcome: 'rejected', code: '200', response: 'answer', worker: 'ann' },
        ],
      });
      expect(await of.store.getCopy('prj_b', id)).toBeUndefined();
    });
  });
}
