import type { Channel, Lane } from '@tidings/contracts';
import type { QueueEntry, Store } from '@tidings/db';

/** Milliseconds that a message should wait in the window at most, while the workers keep their pace. */
const targetMs = 2000;

/** What a window holds however slow the workers are, so that those of a process do not run dry between two rounds. */
const least = 256;

/** What it holds before anything is known: with half as much a drain cost a tenth more while it found its pace. */
const first = 2000;

/**
 * How many messages the window of each lane should hold: as many as the workers get through in two seconds. What
 * entered can be overtaken only by a more urgent lane, so a longer window would let a slow provider's messages stand
 * in the way of everybody else's.
 *
 * By Little's law the last of `inQueue` messages waits `inQueue / rate`. So of each lane one message is watched, from
 * when it entered behind the others until a worker takes it up, and the pace follows from its wait. A count of what
 * left would have to know what all processes let in; this one needs nobody else's knowledge, and includes whatever
 * else may slow a lane down: limits, holds, or more urgent lanes.
 */
export interface WindowSizes {
  of(lane: { channel: Channel; lane: Lane }): number;
  /** To be told of what has just entered a lane, `inQueue` messages being in its window then. */
  entered(entries: QueueEntry[], inQueue: number): void;
  /** Looks after the messages that are watched. */
  measure(): Promise<void>;
}

export function createWindowSizes(options: {
  store: Pick<Store, 'stillWaiting'>;
  /** No window is larger. */
  largest: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}): WindowSizes {
  const { store, largest, now = () => performance.now() } = options;
  const sizes = new Map<string, number>();
  const watched = new Map<string, { id: string; inQueue: number; since: number }>();
  const keyOf = ({ channel, lane }: { channel: Channel; lane: Lane }) => `${channel} ${lane}`;
  const sizeOf = (key: string) => sizes.get(key) ?? Math.min(first, largest);

  return {
    of: (lane) => sizeOf(keyOf(lane)),
    entered(entries, inQueue) {
      const last = entries.findLast(({ delayMs }) => delayMs <= 0);
      if (last === undefined || watched.has(keyOf(last))) return;
      watched.set(keyOf(last), { id: last.id, inQueue, since: now() });
    },
    async measure() {
      if (watched.size === 0) return;
      const waiting = new Set(await store.stillWaiting([...watched.values()].map(({ id }) => id)));
      for (const [key, { id, inQueue, since }] of watched) {
        const waitedMs = now() - since;
        const size = sizeOf(key);
        const fitting = Math.ceil((inQueue * targetMs) / waitedMs);
        if (!waiting.has(id)) watched.delete(key);
        // A window that was not full says nothing of what it could be, and a small one little: it grows step by step.
        if (waitedMs > targetMs) sizes.set(key, Math.min(size, Math.max(fitting, least)));
        else if (!waiting.has(id))
          sizes.set(key, Math.min(Math.max(size, Math.min(fitting, 2 * size)), largest));
      }
    },
  };
}
