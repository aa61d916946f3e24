import { setTimeout as delay } from 'node:timers/promises';

/** A loop that can be stopped. */
export interface Repeating {
  /** Ends the loop after the round that is running. */
  stop(): Promise<void>;
  /** Starts the next round at once. */
  nudge(): void;
}

/**
 * Runs `round` again and again, one at a time. It answers how many milliseconds to wait before the next;
 * when it throws, `onError` is told and the next round comes after `retryMs`.
 */
export function repeat(options: {
  round: () => Promise<number>;
  onError: (error: unknown) => void;
  retryMs?: number;
}): Repeating {
  const { round, onError, retryMs = 1000 } = options;
  let stopped = false;
  let wake = new AbortController();
  const running = (async () => {
    while (!stopped) {
      const waitMs = await round().catch((error) => {
        onError(error);
        return retryMs;
      });
      if (stopped) break;
      await delay(waitMs, undefined, { signal: wake.signal }).catch(() => {});
      wake = new AbortController();
    }
  })();
  return {
    nudge: () => wake.abort(),
    stop: async () => {
      stopped = true;
      wake.abort();
      await running;
    },
  };
}
