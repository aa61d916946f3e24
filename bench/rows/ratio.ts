import { median } from '../harness/rounds.ts';

/** The median of the ratios of each round: what disturbed one round disturbed both of its sides. */
export function pairedRatio(values: number[], bases: number[]): number {
  return median(values.map((value, round) => value / (bases[round] ?? Number.NaN)));
}
