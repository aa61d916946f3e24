import type { LaneState, Store } from '@tidings/db';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { addJobs } from './add-jobs.ts';
import type { QueueEngine } from './engine.ts';

/** Due messages of a channel and lane that have a job at once; the rest waits in SQL, whatever its number. */
export const defaultWindow = 4000;

/** Milliseconds before it is due that a message enters the window, so that BullMQ's timer can be exact. */
export const lookaheadMs = 1000;

const chunk = 1000;

/**
 * Carries messages from SQL into the window: what the fast path left, what became due, and what waited for
 * room. Rounds come every `idleMs`, and faster while a backlog moves: at once as long as there is room for more,
 * otherwise so that each finds enough room to be worth its count of the window.
 */
export function startRelay(options: {
  store: Store;
  engine: QueueEngine;
  log: Log;
  metrics: Metrics;
  window?: number;
  idleMs?: number;
}): Repeating {
  const { store, engine, log, metrics, window = defaultWindow, idleMs = 250 } = options;
  const refillMs = Math.min(idleMs, 100);

  async function carry({ channel, lane, inQueue }: LaneState): Promise<number> {
    const limit = Math.min(window - inQueue, chunk);
    if (limit <= 0) return 0;
    const entries = await store.enterWindow({ channel, lane, limit, lookaheadMs });
    try {
      await addJobs(engine, entries);
    } catch (error) {
      await store.leaveWindow(entries.map(({ id }) => id));
      throw error;
    }
    return entries.length;
  }

  return repeat({
    round: async () => {
      await engine.ping();
      const states = await store.laneStates(lookaheadMs);
      let carried = 0;
      for (const state of states) {
        metrics.backlog.set({ channel: state.channel, lane: state.lane }, state.inQueue);
        if (state.backlog) carried += await carry(state);
      }
      if (carried >= chunk) return 0;
      return carried > 0 ? refillMs : idleMs;
    },
    onError: (err) => log.warn({ err }, 'the relay could not work; it tries again'),
    retryMs: 500,
  });
}
