/**
 * SQLSTATE classes and codes (PostgreSQL manual, appendix A) that say nothing about the statement: connection
 * exceptions (08), resources (53), operator intervention such as shutdown, crash, time-out (57), the system
 * beneath (58), a standby that takes no writes (25006), a session ended for idling (25P03), a lock not had (55P03).
 */
const awayCodes = /^(08...|53...|57...|58...|25006|25P03|55P03)$/;

/** The transaction was undone for another's sake, whole, and may be run again (manual, section 13.5). */
const rerunCodes = /^(40001|40P01)$/;

const networkCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
];

/** node-postgres gives these no code: its own words are all there is to know them by. */
const driverWords =
  /^(Connection terminated|timeout (exceeded|expired)|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/i;

/** Is the server away, busy or shutting down, rather than the statement wrong? */
export function isPostgresOutage(error: unknown): boolean {
  return causesOf(error).some(
    ({ code, message }) =>
      (code !== undefined &&
        (awayCodes.test(code) || rerunCodes.test(code) || networkCodes.includes(code))) ||
      driverWords.test(message),
  );
}

/** Was it undone as a whole because of others, so that running it again is right? */
export function mayRunAgain(error: unknown): boolean {
  return causesOf(error).some(({ code }) => code !== undefined && rerunCodes.test(code));
}

/** Drizzle wraps the driver's error, and a failed connect to several addresses wraps one for each. */
function causesOf(error: unknown): Array<{ code: string | undefined; message: string }> {
  const found: Array<{ code: string | undefined; message: string }> = [];
  for (let at = error; at instanceof Error && found.length < 8; at = at.cause) {
    const { code } = at as { code?: unknown };
    found.push({ code: typeof code === 'string' ? code : undefined, message: at.message });
    if (at instanceof AggregateError) found.push(...at.errors.flatMap(causesOf));
  }
  return found;
}
