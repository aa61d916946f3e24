import type { WorkerTuning } from '@tidings/workers';

/** Waits that a test can afford; the logic is the same as with production's. */
export const quick: WorkerTuning = {
  policy: { maxFailures: 4, baseMs: 20, capMs: 200 },
  leaseMs: 2000,
  renewMs: 500,
  lockMs: 2000,
  stalledMs: 1000,
  holdBaseMs: 100,
  holdCapMs: 400,
  graceMs: 1500,
  rulesMs: 20,
};
