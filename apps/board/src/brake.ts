/** Slows down whoever guesses. */
export interface Brake {
  /** Milliseconds until this address may try again; 0 when it may now. */
  waitMs(address: string): number;
  /** Notes a wrong login. The same one again teaches nobody anything and does not count. */
  note(address: string, attempt: string): void;
}

const addressesAtMost = 10_000;

/**
 * Lets each address try `limit` different wrong logins in `windowMs` and then none until the window is over,
 * not even the right one: whoever could tell a right login from a wrong one meanwhile could go on guessing. It
 * shuts out the address that guesses, nobody else. Counts in this process only.
 */
export function createBrake(options: { limit?: number; windowMs?: number; now?: () => number } = {}): Brake {
  const { limit = 10, windowMs = 60_000, now = () => performance.now() } = options;
  const windows = new Map<string, { until: number; tried: Set<string> }>();

  function currentOf(address: string) {
    const window = windows.get(address);
    if (window === undefined || window.until > now()) return window;
    windows.delete(address);
    return undefined;
  }

  return {
    waitMs(address) {
      const window = currentOf(address);
      return window !== undefined && window.tried.size >= limit ? window.until - now() : 0;
    },
    note(address, attempt) {
      const window = currentOf(address) ?? { until: now() + windowMs, tried: new Set() };
      window.tried.add(attempt);
      // A flood of addresses must not fill the memory: the oldest goes.
      const [oldest] = windows.keys();
      if (windows.size >= addressesAtMost && oldest !== undefined) windows.delete(oldest);
      windows.set(address, window);
    },
  };
}
