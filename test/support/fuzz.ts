import type fc from 'fast-check';

/**
 * How often a property is tried, and from where: `FUZZ_RUNS` times as often as it says, and with `FUZZ_SEED` and
 * `FUZZ_PATH` what a failure printed is done again.
 */
export function fuzzRuns<Values>(runs: number): fc.Parameters<Values> {
  const { FUZZ_RUNS, FUZZ_SEED, FUZZ_PATH } = process.env;
  return {
    // Reports that keep no more than the message of an error name what was wrong all the same.
    includeErrorInReport: true,
    numRuns: Math.ceil(runs * Number(FUZZ_RUNS || 1)),
    ...(FUZZ_SEED && { seed: Number(FUZZ_SEED) }),
    ...(FUZZ_PATH && { path: FUZZ_PATH }),
  };
}
