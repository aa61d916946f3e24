import type { Channel, Lane } from '@tidings/contracts';
import type { LaneState, QueueEntry, Store } from '@tidings/db';
import { type Log, type Repeating, repeat, withDeadline } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import type { QueueEngine } from './engine.ts';
import { defaultWindow, lookaheadMs } from './relay.ts';

/** The short way from an accept to the queue. Whatever it leaves out, the relay adds. */
export interface FastPath {
  /**
   * Asks for a place in the window before the commit. True only while the lane has room, no backlog waits in
   * SQL (nobody overtakes) and the queue answers.
   */
  reserve(channel: Channel, lane: Lane): boolean;
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
  let room = new Map<string, number>();
  const key = (channel: Channel, lane: Lane) => `${channel} ${lane}`;
  const roomOf = ({ backlog, inQueue }: LaneState) => (backlog ? 0 : window - inQueue);

  const refreshing: Repeating = repeat({
    round: async () => {
      await engine.ping();
      const states = await store.laneStates(lookaheadMs);
      room = new Map(states.map((state) => [key(state.channel, state.lane), roomOf(state)]));
      return refreshMs;
    },
    onError: (err) => {
      if (room.size > 0) log.warn({ err }, 'the queue does not answer; messages wait in SQL');
      room = new Map();
    },
    retryMs: refreshMs,
  });

  return {
    reserve(channel, lane) {
      const left = room.get(key(channel, lane)) ?? 0;
      if (left <= 0) return false;
      room.set(key(channel, lane), left - 1);
      return true;
    },
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
      if (added) return;
      room = new Map();
      log.warn({ err: failure, count: entries.length }, 'could not enqueue; the relay will');
      await store
        .leaveWindow(entries.map(({ id }) => id))
        .catch((err) => log.warn({ err }, 'could not hand over to the relay; the reconciler will'));
    },
    stop: () => refreshing.stop(),
  };
}
