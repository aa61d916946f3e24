/** A provider's seconds since the epoch in milliseconds; undefined for what cannot be meant. */
export function instantOf(seconds: unknown): number | undefined {
  const given = typeof seconds === 'string' && /^\d{1,12}$/.test(seconds) ? Number(seconds) : seconds;
  return typeof given === 'number' && given > 0 && given < 1e11 ? Math.round(given * 1000) : undefined;
}
