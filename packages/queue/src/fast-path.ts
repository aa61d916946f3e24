import type { Channel, Lane } from '@tidings/contracts';
import type { LaneState, QueueEntry, Store } from '@tidings/db';
import { type Log, type Repeating, repeat, withDeadline } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import type { QueueEngine } from './engine.ts';
import { fairRooms } from './fair-shares.ts';
import { defaultWindow, lookaheadMs } from './relay.ts';
import { createWindowSizes } from './window-sizes.ts';

/** The short way from an accept to the queue. Whatever it leaves out, the relay adds. */
export interface FastPath {
  /**
   * Asks for a place in the window before the commit. True only while the project has room in the lane, has no
   * backlog there that waits in SQL (none of its messages overtakes another) and the queue answers.
   */
  reserve(of: { projectId: string; channel: Channel; lane: Lane }): boolean;
  /** Adds the jobs after the commit. Never rejects: what could not be added goes back to SQL. */
  enqueue(entries: QueueEntry[]): Promise<void>;
  stop(): Promise<void>;
}

/** For a process that has no queue to reach: everything waits in SQL for the workers' relay. */
export const noFastPath: FastPath = {
  reserve: () => false,
  enqueue: async () => {},
  stop: async () => {},
};

/**
 * Keeps an estimate of each lane's room, made anew from SQL every `refreshMs` while the queue answers, and
 * counts down in between.
 *
 * A project has as much room as the relay would give it: its fair share, even where others fill the window. So a storm
 * of one fills no more than is free, and what another sends meanwhile need not wait for the relay. Where more projects
 * wait than one look walks over, those beyond may overtake a backlog of their own, within that share. It knows nothing
 * of providers and so has no `admission`: what comes in beyond it is met by the claim.
 */
export function createFastPath(options: {
  store: Store;
  engine: QueueEngine;
  log: Log;
  window?: number;
  refreshMs?: number;
  addTimeoutMs?: number;
}): FastPath {
  const { store, engine, log, window = defaultWindow, refreshMs = 250, addTimeoutMs = 250 } = options;
  const sizes = createWindowSizes({ store, largest: window });
  let places = new Map<string, Places>();

  const refreshing: Repeating = repeat({
    round: async () => {
      await engine.ping();
      const states = await store.laneStates({ lookaheadMs });
      await sizes.measure();
      places = new Map(states.map((state) => [keyOf(state), createPlaces(state, sizes.of(state))]));
      return refreshMs;
    },
    onError: (err) => {
      if (places.size > 0) log.warn({ err }, 'the queue does not answer; messages wait in SQL');
      places = new Map();
    },
    retryMs: refreshMs,
  });

  return {
    reserve: (of) => places.get(keyOf(of))?.take(of.projectId) ?? false,
    async enqueue(entries) {
      if (entries.length === 0) return;
      let failure: unknown = new Error(`no answer within ${addTimeoutMs} ms`);
      let added = false;
      const adding = addJobs(engine, entries).then(
        () => {
          added = true;
        },
        (error) => {
          failure = error;
        },
      );
      await withDeadline(adding, addTimeoutMs);
      if (added) {
        for (const [lane, theirs] of Map.groupBy(entries, keyOf)) {
          sizes.entered(theirs, places.get(lane)?.taken() ?? theirs.length);
        }
        return;
      }
      places = new Map();
      log.warn({ err: failure, count: entries.length }, 'could not enqueue; the relay will');
      await store
        .leaveWindow(entries.map(({ id }) => id))
        .catch((err) => log.warn({ err }, 'could not hand over to the relay; the reconciler will'));
    },
    stop: () => refreshing.stop(),
  };
}

const keyOf = ({ channel, lane }: { channel: Channel; lane: Lane }) => `${channel} ${lane}`;

/** The places of one lane until the next look at it. */
interface Places {
  /** Takes one for this project, if it has room. */
  take(projectId: string): boolean;
  /** How many are in the window, with those that were taken. */
  taken(): number;
}

function createPlaces(state: LaneState, size: number): Places {
  const projects = new Map(state.projects.map((project) => [project.projectId, project]));
  const rooms = new Map<string, number>();
  let taken = state.inQueue;

  /** Whoever asks counts as one that wants all there is, and lessens the share of who asks after it. */
  function roomOf(projectId: string): number {
    const { inQueue, backlog } = projects.get(projectId) ?? { inQueue: 0, backlog: false };
    if (backlog) return 0;
    projects.delete(projectId);
    projects.set(projectId, { projectId, inQueue, backlog: true });
    return fairRooms(size, [...projects.values()]).at(-1) ?? 0;
  }

  return {
    take(projectId) {
      const left = rooms.get(projectId) ?? roomOf(projectId);
      rooms.set(projectId, left - 1);
      if (left <= 0) return false;
      taken += 1;
      return true;
    },
    taken: () => taken,
  };
}
