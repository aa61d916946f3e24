/** Nobody is left alone for longer: what asks for more is believed to be a mistake. Milliseconds. */
export const longestRetryAfterMs = 3_600_000;

/**
 * What a Retry-After says (RFC 9110 §10.2.3: seconds, or a date), in milliseconds from `now`, between none and
 * the longest. Undefined when there is none, or none that can be read.
 */
export function retryAfterMs(
  value: string | undefined,
  now: number,
  longestMs = longestRetryAfterMs,
): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : dateOf(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestMs);
}

// `Date.parse` takes much more than HTTP's dates, such as "-5"; all of HTTP's begin with the day's name.
function dateOf(text: string): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
}
