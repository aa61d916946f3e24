import { test } from 'vitest';

/** `FAULTS=all`, as `npm run test:faults` sets it: the long ones too. */
export const runsAll = process.env.FAULTS === 'all';

/** A test that is left out of `npm test`, which is to stay quick. */
export const longTest = test.skipIf(!runsAll);
