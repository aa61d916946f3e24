const remembered = 100;

/** The newest values of the last `forMs` milliseconds: a lease that was taken before has run out. */
export function createRecent(forMs: number) {
  let entries: Array<{ value: string; at: number }> = [];
  return {
    add(value: string): void {
      entries = [...entries, { value, at: performance.now() }].slice(-remembered);
    },
    list(): string[] {
      // Twice as long: the database may have committed some time after we gave up on it.
      entries = entries.filter(({ at }) => performance.now() - at < 2 * forMs);
      return entries.map(({ value }) => value);
    },
  };
}
