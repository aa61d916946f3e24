const knownAtMost = 10_000;

/** Asks for what is not known or was found too long ago. What is not there is asked for each time. */
export function remembered<Value>(
  forMs: number,
  find: (key: string) => Promise<Value | undefined>,
): (key: string) => Promise<Value | undefined> {
  const known = new Map<string, { value: Value; until: number }>();
  return async (key) => {
    const cached = known.get(key);
    if (cached !== undefined && cached.until > performance.now()) return cached.value;
    const until = performance.now() + forMs;
    const value = await find(key);
    if (value === undefined) {
      known.delete(key);
      return undefined;
    }
    if (known.size >= knownAtMost) known.clear();
    known.set(key, { value, until });
    return value;
  };
}
