import type { Log } from '@tidings/runtime';

/**
 * A listener for 'error' events that cannot flood the log: a lost server makes every connection complain
 * several times a second. One warning per `everyMs`, which tells how many were left out before it.
 */
export function createErrorReporter(options: { log: Log; source: string; everyMs?: number }) {
  const { log, source, everyMs = 1000 } = options;
  let quietUntil = 0;
  let suppressed = 0;
  return (err: Error): void => {
    const now = performance.now();
    if (now < quietUntil) {
      suppressed += 1;
      return;
    }
    quietUntil = now + everyMs;
    log.warn({ err, source, suppressed }, 'queue engine error');
    suppressed = 0;
  };
}
