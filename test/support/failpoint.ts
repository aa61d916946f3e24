/** The moments of a kill that lie within a process of ours; M7, M8 and M11 are seen, and struck, from outside. */
export const moments = ['M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M9', 'M10'] as const;
export type Moment = (typeof moments)[number];

/** Told of each moment as it is passed; on the one it is armed for, the process is killed there and then. */
export interface Failpoint {
  pass(moment: Moment): void;
  /** Kills a little later, and answers whether it will: for what must first let something else happen. */
  passSoon(moment: Moment, afterMs: number): boolean;
}

/**
 * SIGKILL to this process at the moment that `TIDINGS_FAILPOINT` names: `M6`, or `M6:3` for the third time.
 * Only processes of the tests read that variable: what is shipped has no failpoints, see `failing-parts.ts`.
 *
 * @throws in production, and on a moment that there is not
 */
export function createFailpoint(env: Record<string, string | undefined>): Failpoint {
  const { TIDINGS_FAILPOINT: value, NODE_ENV: nodeEnv } = env;
  if (!value) return { pass: () => {}, passSoon: () => false };
  if (nodeEnv === 'production') throw new Error('TIDINGS_FAILPOINT: not in production');
  const [name, times = '1'] = value.split(':');
  const armed = moments.find((moment) => moment === name);
  if (armed === undefined) throw new Error(`TIDINGS_FAILPOINT: must be one of ${moments.join(', ')}`);
  let left = Number(times);

  function isIt(moment: Moment): boolean {
    if (moment !== armed) return false;
    left -= 1;
    return left === 0;
  }
  const die = () => process.kill(process.pid, 'SIGKILL');
  return {
    pass: (moment) => void (isIt(moment) && die()),
    passSoon: (moment, afterMs) => {
      if (!isIt(moment)) return false;
      setTimeout(die, afterMs);
      return true;
    },
  };
}
