import type { ReceivedCopy } from '@tidings/contracts';
import { pause } from './pause.ts';
import type { Tidings } from './tidings.ts';

/** The API extends no more in one call. */
const extendedAtMost = 100;

type Taken = Pick<ReceivedCopy, 'copyId' | 'token'>;

/** A copy in hand. */
export interface Held {
  /** Ends when the lease was lost, or could not be renewed in time. */
  signal: AbortSignal;
  release(): void;
}

/** What a consumer has in hand, whose leases are renewed. */
export interface Hands {
  count(): number;
  take(copy: Taken): Held;
  /** Resolves when fewer are in hand: at once, or a turn later, so that what ends together makes room together. */
  untilFewerThan(limit: number): Promise<void>;
  /** Gives up what is still in hand. */
  stop(): void;
}

/** Renews all leases each third of their time, as long as there are any. */
export function createHands(options: {
  tidings: Tidings;
  name: string;
  leaseSeconds: number;
  onError: (error: unknown) => void;
}): Hands {
  const { tidings, name, leaseSeconds, onError } = options;
  const leaseMs = leaseSeconds * 1000;
  const held = new Set<Taken & { lost: AbortController; until: number }>();
  const stopping = new AbortController();
  let waiting: Array<{ limit: number; go: () => void }> = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  let isRenewing = false;

  function tick(): void {
    for (const one of held) if (performance.now() >= one.until) one.lost.abort(leaseLost());
    if (isRenewing) return;
    isRenewing = true;
    void renewAll()
      .catch((error) => {
        if (!stopping.signal.aborted) onError(error);
      })
      .finally(() => {
        isRenewing = false;
      });
  }

  async function renewAll(): Promise<void> {
    const all = [...held];
    for (let from = 0; from < all.length; from += extendedAtMost) {
      const some = all.slice(from, from + extendedAtMost);
      // From before the request: it may take its time, and the lease is no longer for it.
      const until = performance.now() + leaseMs;
      const items = some.map(({ copyId, token }) => ({ copyId, token }));
      const { signal } = stopping;
      const { kept } = await tidings.consumers.extend.mutate({ name, items, leaseSeconds }, { signal });
      for (const one of some) {
        if (kept.includes(one.copyId)) one.until = until;
        else one.lost.abort(leaseLost());
      }
    }
  }

  function letGo(): void {
    const free = waiting.filter(({ limit }) => held.size < limit);
    waiting = waiting.filter(({ limit }) => held.size >= limit);
    for (const { go } of free) go();
  }

  return {
    count: () => held.size,
    take: ({ copyId, token }) => {
      const one = { copyId, token, lost: new AbortController(), until: performance.now() + leaseMs };
      held.add(one);
      timer ??= setInterval(tick, leaseMs / 3);
      return {
        signal: one.lost.signal,
        release: () => {
          held.delete(one);
          if (held.size === 0) {
            clearInterval(timer);
            timer = undefined;
          }
          letGo();
        },
      };
    },
    untilFewerThan: async (limit) => {
      if (held.size < limit) return;
      await new Promise<void>((go) => {
        waiting.push({ limit, go });
      });
      await pause(0);
    },
    stop: () => {
      stopping.abort();
      clearInterval(timer);
      for (const { lost } of held) lost.abort(new Error('The consumer was stopped'));
    },
  };
}

function leaseLost(): Error {
  return new Error('The lease was lost: somebody else may have the copy by now');
}
