import { percentile } from '../harness/rounds.ts';

/** What a sink tells of what it got. Times are in milliseconds. */
export interface Arrived {
  count: number;
  /** Between the first and the last one. */
  ms: number;
  /** Between the first and the one after which `mark` had come, when so many have come. */
  msToMark: number | undefined;
  /** How many had a stamp. */
  stamped: number;
  /** From the stamps in them to their arrival. */
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Counts what comes to a sink. */
export interface Arrivals {
  note(stamp: number | undefined): void;
  /** Begins anew. */
  reset(mark?: number): void;
  sum(): Arrived;
}

export function createArrivals(): Arrivals {
  let count = 0;
  let first = 0;
  let last = 0;
  let mark = 0;
  let markAt: number | undefined;
  let took: number[] = [];
  const now = () => performance.timeOrigin + performance.now();
  return {
    note: (stamp) => {
      last = now();
      if (count === 0) first = last;
      count += 1;
      if (count === mark) markAt = last;
      if (stamp !== undefined) took.push(last - stamp);
    },
    reset: (newMark = 0) => {
      count = 0;
      mark = newMark;
      markAt = undefined;
      took = [];
    },
    sum: () => {
      const sorted = took.toSorted((one, other) => one - other);
      return {
        count,
        ms: last - first,
        msToMark: markAt === undefined ? undefined : markAt - first,
        stamped: took.length,
        p50Ms: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        maxMs: sorted.at(-1) ?? Number.NaN,
      };
    },
  };
}
