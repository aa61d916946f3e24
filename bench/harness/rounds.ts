/** The middle of a list, or the mean of its two middle ones. NaN when it is empty. */
export function median(list: number[]): number {
  const sorted = list.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return (low + high) / 2;
}

/** The value that `share` (0 to 1) of an ascending list does not exceed. */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/**
 * Runs each side once a round and answers what each said. The order turns around each round, so that what gets
 * slower or faster with time does so for every side.
 */
export async function interleave<Name extends string, Result>(
  rounds: number,
  sides: Record<Name, (round: number) => Promise<Result>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(sides) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await sides[name](round));
    }
  }
  return results;
}
