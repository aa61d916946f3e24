import { subscriptionKinds } from '@tidings/contracts';
import type { CopyQueueState, Store } from '@tidings/db';
import { type Log, type Metrics, type Repeating, repeat } from '@tidings/runtime';
import { createCopiesCarrier } from './copies-carrier.ts';
import type { QueueEngine } from './engine.ts';
import { lookaheadMs } from './relay.ts';

/** Due copies of one subscription that have a job at once, at most; the rest waits in SQL, whatever its number. */
export const defaultCopyWindow = 1000;

/** Events that are fanned out in one commit, at most. */
const eventsAtOnce = 500;

/** Whether a subscription gets a copy of an event; `failed` when its filter could not tell. */
export type Matches = Parameters<Store['fanOut']>[0]['matches'];

/**
 * Fans events out to their consumers, and carries copies from SQL into the consumers' queues: those there was no room
 * for, and what became due. Rounds follow each other at once while there is more to do, otherwise every `idleMs`.
 *
 * Every subscription has a window of its own, and what fails for one concerns no other. While the queue is away events
 * are fanned out all the same, and their copies wait in SQL.
 */
export function startCopiesRelay(options: {
  store: Store;
  engine: QueueEngine;
  log: Log;
  metrics: Metrics;
  matches: Matches;
  window?: number;
  idleMs?: number;
  /** Is told what every round finds, before it does anything. */
  onStates?: (states: CopyQueueState[]) => void;
}): Repeating {
  const { store, engine, log, metrics, matches, window = defaultCopyWindow, idleMs = 100 } = options;
  const { onStates = () => {} } = options;
  const carrier = createCopiesCarrier({ store, engine, log });
  let states: CopyQueueState[] = [];
  let seenTo = '';

  function roomOf({ admitted, inQueue, isRemoved }: CopyQueueState): number {
    // Jobs that nobody will take out any more leave no less room for ending what they are for.
    return isRemoved ? window : Math.max(0, Math.min(window - inQueue, admitted));
  }

  /** Copies of everybody else must not wait for one that cannot be judged. */
  const matchesOrFailed: Matches = (subscription, event) => {
    try {
      return matches(subscription, event);
    } catch (err) {
      log.error({ err, subscription: subscription.id, event: event.id }, 'matching threw, which is a bug');
      return 'failed';
    }
  };

  /** Older copies that wait in SQL go first. */
  function rooms(): Map<string, number> {
    const open = states.filter(({ backlog, ordered }) => !backlog && !ordered);
    return new Map(open.map((state) => [state.subscriptionId, roomOf(state)]));
  }

  async function fanOut(into: Map<string, number>): Promise<number> {
    const { events, entries, ...next } = await store.fanOut({
      limit: eventsAtOnce,
      rooms: into,
      matches: matchesOrFailed,
      after: seenTo,
    });
    seenTo = next.seenTo;
    metrics.eventsFannedOut.inc(events);
    await carrier.add(entries);
    return events;
  }

  /** Answers whether any subscription has more to let in now. */
  async function enter(): Promise<boolean> {
    const filled = await Promise.all(
      states.map(async (state) => {
        const limit = roomOf(state);
        if (!state.backlog || limit === 0) return false;
        const entered = await carrier.enter(state.subscriptionId, limit);
        return entered === limit && entered < window - state.inQueue;
      }),
    );
    return filled.includes(true);
  }

  function measure(): void {
    for (const kind of subscriptionKinds) {
      const theirs = states.filter((state) => state.kind === kind);
      metrics.copiesInQueue.set(
        { kind },
        theirs.reduce((sum, { inQueue }) => sum + inQueue, 0),
      );
      metrics.subscriptionsBehind.set({ kind }, theirs.filter(({ backlog }) => backlog).length);
    }
  }

  return repeat({
    round: async () => {
      states = await store.copyStates({ lookaheadMs, previous: states });
      onStates(states);
      measure();
      const answers = await engine.ping().then(
        () => true,
        () => false,
      );
      const events = await fanOut(answers ? rooms() : new Map());
      const more = answers && (await enter());
      return events > 0 || more ? 0 : idleMs;
    },
    onError: (err) => log.warn({ err }, 'events could not be fanned out; it is tried again'),
    retryMs: 500,
  });
}
