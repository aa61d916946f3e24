/**
 * Milliseconds until the next try after `failures` failed ones: capped exponential backoff with full jitter
 * ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function fullJitterMs(options: {
  failures: number;
  baseMs: number;
  capMs: number;
  random: () => number;
}): number {
  const { failures, baseMs, capMs, random } = options;
  return random() * Math.min(capMs, baseMs * 2 ** (failures - 1));
}
