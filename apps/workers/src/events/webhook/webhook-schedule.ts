const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * The wait after each failure (Standard Webhooks, "Deliverability and reliability"): ten tries over three days, which
 * outlast a weekend.
 */
export const webhookDelaysMs: readonly number[] = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];

/** A failed try is put off for no longer, whatever its endpoint asks for. Milliseconds. */
export const longestAskedMs = dayMs;

/** With nothing but failures for longer, an endpoint is given up until somebody looks after it. Milliseconds. */
export const failingAtMostMs = 5 * dayMs;

const shortestHoldMs = 5 * secondMs;
const longestHoldMs = hourMs;

/**
 * For how long an endpoint that is busy is left alone, in milliseconds: as long as it asks for, between five seconds and
 * an hour; else five seconds, twice as long each time in a row, up to an hour, more or less.
 *
 * @param holds how often in a row it was busy before
 */
export function holdMs(options: {
  holds: number;
  askedMs: number | undefined;
  random: () => number;
}): number {
  const { holds, askedMs, random } = options;
  if (askedMs !== undefined) return Math.min(Math.max(askedMs, shortestHoldMs), longestHoldMs);
  return jittered(Math.min(shortestHoldMs * 2 ** holds, longestHoldMs), random);
}

/** A tenth more or less, spread evenly: what failed together does not come back together. */
export function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (0.9 + 0.2 * random()));
}
