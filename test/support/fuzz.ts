import type fc from 'fast-check';

/**
 * How long and from which seed a property is tried: `FUZZ_RUNS` multiplies nothing, it is the number of runs of
 * each property; `FUZZ_SEED` and `FUZZ_PATH` repeat what a failure printed.
 */
export function fuzzRuns<Values>(runs: number): fc.Parameters<Values> {
  const { FUZZ_RUNS, FUZZ_SEED, FUZZ_PATH } = process.env;
  return {
    numRuns: Number(FUZZ_RUNS || runs),
    ...(FUZZ_SEED && { seed: Number(FUZZ_SEED) }),
    ...(FUZZ_PATH && { path: FUZZ_PATH }),
  };
}
