import type { Bench } from './bench.ts';

/** What a row came to. */
export interface Measured {
  value: number;
  /** What it is compared with, in the same unit. */
  base?: number;
  /** Of value and base, round by round: the median. */
  ratio?: number;
  /** Each round, by side. */
  rounds: Record<string, number[]>;
  /** What else there is to know. */
  notes?: string[];
}

/** What a row must reach; all that is given must hold. */
export interface Goal {
  ratio?: number;
  atLeast?: number;
  atMost?: number;
}

/** One line of the table. */
export interface Row {
  id: string;
  what: string;
  against: string;
  unit: string;
  goal: Goal;
  measure(bench: Bench): Promise<Measured>;
}

/** Whether the goal is reached. */
export function isReached(goal: Goal, { value, ratio }: Measured): boolean {
  return (
    (goal.ratio === undefined || (ratio ?? 0) >= goal.ratio) &&
    (goal.atLeast === undefined || value >= goal.atLeast) &&
    (goal.atMost === undefined || value <= goal.atMost)
  );
}
