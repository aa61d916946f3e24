import { test } from 'vitest';

/** `FAULTS=all`, as `npm run test:faults` sets it: the long ones too. */
export const runsAll = process.env.FAULTS === 'all';

/** A test that is left out of `npm test`, which is to stay quick. */
export const longTest = test.skipIf(!runsAll);

/** A row of a table of tests that is left out likewise. */
export function onlyIfAll<Row>(row: Row): Row[] {
  return runsAll ? [row] : [];
}
