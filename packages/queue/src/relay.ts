import type { Channel } from '@tidings/contracts';
import type { LaneState, ProjectState, QueueEntry, Store } from '@tidings/db';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import type { QueueEngine } from './engine.ts';
import { fairRooms, fairShares } from './fair-shares.ts';
import { createWindowSizes } from './window-sizes.ts';

/** Due messages of a channel and lane that have a job at once, at most; the rest waits in SQL, whatever its number. */
export const defaultWindow = 4000;

/** Milliseconds before it is due that a message enters the window, so that BullMQ's timer can be exact. */
export const lookaheadMs = 1000;

const chunk = 1000;

/**
 * How many messages of a project and channel may be in the queue at once: Infinity where there is no bound of its
 * own, 0 where nobody would take them now. A lane counts what is in it and in the more urgent ones.
 */
export type QueueAdmission = (of: { projectId: string; channel: Channel }) => number;

/**
 * Carries messages from SQL into the window: what the fast path left, what became due, and what waited for
 * room. Rounds come every `idleMs`, and faster while a backlog moves: at once as long as there is room for more,
 * otherwise so that each finds enough room to be worth its count of the window.
 *
 * The window is shared between the projects that have messages in it or behind it, max-min fairly, and in the order
 * of the jobs they take turns. A project that comes late is let in up to its share though others fill the window,
 * for it would wait for their backlog otherwise: so k projects that come one after the other may take up to
 * 1 + 1/2 + … + 1/k of a window, five of them for a hundred, until it has worked itself off.
 */
export function startRelay(options: {
  store: Store;
  engine: QueueEngine;
  log: Log;
  metrics: Metrics;
  window?: number;
  idleMs?: number;
  admission?: QueueAdmission;
}): Repeating {
  const { store, engine, log, metrics, window = defaultWindow, idleMs = 250 } = options;
  const { admission = () => Number.POSITIVE_INFINITY } = options;
  const refillMs = Math.min(idleMs, 100);
  const sizes = createWindowSizes({ store, largest: window });
  let states: LaneState[] = [];

  /**
   * Lets messages of a lane in, a chunk at most, and keeps its state true to what it did. What one project did not
   * use of its room goes to the others in a further pass.
   */
  async function carry(state: LaneState, admitted: (project: ProjectState) => number): Promise<number> {
    const { channel, lane, projects } = state;
    let carried = 0;
    while (carried < chunk) {
      const limits = fairShares(chunk - carried, fairRooms(sizes.of(state), projects, admitted));
      const rooms = projects.flatMap((project, index) => {
        const limit = limits[index] ?? 0;
        return limit > 0 ? [{ project, limit }] : [];
      });
      if (rooms.length === 0) break;
      const entered = await store.enterWindow({
        channel,
        lane,
        lookaheadMs,
        rooms: rooms.map(({ project: { projectId }, limit }) => ({ projectId, limit })),
      });
      const entries = inTurn(entered);
      try {
        await addJobs(engine, entries);
      } catch (error) {
        await store.leaveWindow(entries.map(({ id }) => id));
        throw error;
      }
      for (const [index, { project, limit }] of rooms.entries()) {
        const count = entered[index]?.length ?? 0;
        project.inQueue += count;
        project.backlog = count === limit;
      }
      carried += entries.length;
      state.inQueue += entries.length;
      sizes.entered(entries, state.inQueue);
    }
    return carried;
  }

  return repeat({
    round: async () => {
      await engine.ping();
      states = await store.laneStates({ lookaheadMs, previous: states });
      await sizes.measure();
      // By channel and project. What is less urgent must not keep a project's own urgent messages out.
      const moreUrgent = new Map<string, number>();
      let carried = 0;
      for (const state of states) {
        const { channel, lane } = state;
        const keyOf = ({ projectId }: ProjectState) => `${channel} ${projectId}`;
        metrics.backlog.set({ channel, lane }, state.inQueue);
        metrics.window.set({ channel, lane }, sizes.of(state));
        carried += await carry(
          state,
          (project) =>
            admission({ projectId: project.projectId, channel }) - (moreUrgent.get(keyOf(project)) ?? 0),
        );
        for (const project of state.projects) {
          moreUrgent.set(keyOf(project), (moreUrgent.get(keyOf(project)) ?? 0) + project.inQueue);
        }
      }
      if (carried >= chunk) return 0;
      // There may be projects that were not looked at yet.
      const goesOn = states.some(({ seenTo }) => seenTo !== '');
      return carried > 0 || goesOn ? refillMs : idleMs;
    },
    onError: (err) => log.warn({ err }, 'the relay could not work; it tries again'),
    retryMs: 500,
  });
}

/** The first of each list, the second of each, and so on: a queue is first in, first out. */
function inTurn(lists: QueueEntry[][]): QueueEntry[] {
  return lists
    .flatMap((list) => list.map((entry, turn) => ({ entry, turn })))
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ entry }) => entry);
}
