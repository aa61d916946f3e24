import type { Channel, Lane } from '@tidings/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptItem } from './accept-item.fixture.ts';
import { type AcceptItem, createStore, type Database, type LaneState, type Store } from './index.ts';

/** How the projects of a lane are told apart, on every dialect. */
export function lanesContract(dialect: string, open: () => Promise<Database>): void {
  describe(`the lanes on ${dialect}`, () => {
    let database: Database;
    let store: Store;

    beforeEach(async () => {
      database = await open();
      store = createStore(database);
      for (const id of ['prj_a', 'prj_b', 'prj_c']) await store.ensureProject({ id, key: id });
    });
    afterEach(() => database.close());

    type MessageOptions = Partial<AcceptItem['messages'][number]>;

    /** Stores so many messages of a project, each in a notification of its own, and answers their ids. */
    async function stored(projectId: string, count: number, message: MessageOptions = {}) {
      const items = Array.from({ length: count }, () =>
        acceptItem({ projectId, message: { projectId, place: 'store', ...message } }),
      );
      await store.accept(items);
      return items.flatMap(({ messages }) => messages.map(({ id }) => id));
    }

    const enter = (limits: Record<string, number>, lane: Lane = 'normal') =>
      store.enterWindow({
        channel: 'email',
        lane,
        lookaheadMs: 0,
        rooms: Object.entries(limits).map(([projectId, limit]) => ({ projectId, limit })),
      });

    const stateOf = (states: LaneState[], lane: Lane, channel: Channel = 'email') =>
      states.find((state) => state.channel === channel && state.lane === lane);

    test('of each project as many enter as it has room for, its oldest, and nobody else', async () => {
      const now = Date.now();
      const [first = ''] = await stored('prj_a', 1, { dueAt: now - 3000 });
      const [third = ''] = await stored('prj_a', 1, { dueAt: now - 1000 });
      const [second = ''] = await stored('prj_a', 1, { dueAt: now - 2000 });
      const ofB = await stored('prj_b', 2, { dueAt: now - 9000 });
      await stored('prj_c', 1, { dueAt: now - 9000 });
      await stored('prj_a', 1, { dueAt: now - 9000, lane: 'bulk' });
      const entered = await enter({ prj_b: 5, prj_a: 2 });
      expect(entered.map((entries) => entries.map(({ id }) => id))).toEqual([ofB, [first, second]]);
      expect((await enter({ prj_a: 5, prj_b: 5 })).map((entries) => entries.map(({ id }) => id))).toEqual([
        [third],
        [],
      ]);
    });

    test('the state of a lane tells its projects apart', async () => {
      await stored('prj_a', 3);
      await stored('prj_b', 2, { place: 'queue' });
      await stored('prj_c', 1, { status: 'scheduled', dueAt: Date.now() + 60_000 });
      await stored('prj_c', 1, { lane: 'critical' });
      await enter({ prj_a: 1 });
      const states = await store.laneStates({ lookaheadMs: 0 });
      const normal = stateOf(states, 'normal');
      expect(normal?.projects.toSorted((a, b) => (a.projectId < b.projectId ? -1 : 1))).toEqual([
        { projectId: 'prj_a', inQueue: 1, backlog: true },
        { projectId: 'prj_b', inQueue: 2, backlog: false },
      ]);
      expect(normal).toMatchObject({ inQueue: 3, seenTo: '' });
      expect(stateOf(states, 'critical')).toMatchObject({
        inQueue: 0,
        projects: [{ projectId: 'prj_c', inQueue: 0, backlog: true }],
      });
      expect(stateOf(states, 'normal', 'push')?.projects).toEqual([]);
    });

    test('of a channel the most urgent lane comes first', async () => {
      const states = await store.laneStates({ lookaheadMs: 0 });
      expect(states.map(({ channel, lane }) => `${channel} ${lane}`)).toEqual(
        ['email', 'push'].flatMap((channel) =>
          ['critical', 'high', 'normal', 'bulk'].map((lane) => `${channel} ${lane}`),
        ),
      );
    });

    test('a look at more projects than it may walk over goes on where the last one stood, lane by lane', async () => {
      const ids = Array.from({ length: 7 }, (_, index) => `prj_many_${index}`);
      for (const id of ids) {
        await store.ensureProject({ id, key: id });
        await stored(id, 2);
      }
      await stored('prj_a', 1, { lane: 'bulk' });
      const looks: string[][] = [];
      let previous: LaneState[] = [];
      for (let look = 0; look < 4; look += 1) {
        previous = await store.laneStates({ lookaheadMs: 0, previous, atOnce: 3 });
        looks.push(stateOf(previous, 'normal')?.projects.map(({ projectId }) => projectId) ?? []);
        expect(stateOf(previous, 'bulk')).toMatchObject({ projects: [{ projectId: 'prj_a' }], seenTo: '' });
      }
      expect(looks).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6), ids.slice(0, 3)]);
    });

    test('what still waits for a worker is known from what was taken up, put off or ended', async () => {
      const [waiting = '', claimed = '', canceled = ''] = await stored('prj_a', 3, { place: 'queue' });
      const [later = ''] = await stored('prj_a', 1, { place: 'queue', dueAt: Date.now() + 60_000 });
      const [inStore = ''] = await stored('prj_a', 1);
      await store.claim({ ids: [claimed], token: 't', owner: 'o', leaseMs: 60_000 });
      await store.cancel('prj_a', canceled.replace(/^msg_(.*)0$/, 'ntf_$1'));
      expect(await store.stillWaiting([waiting, claimed, canceled, later, inStore])).toEqual([waiting]);
    });
  });
}
