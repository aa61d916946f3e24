import type { Log } from './log.ts';

/** Rejects nothing, waits for `work` or the deadline: whichever comes first. Answers whether the work was done. */
export async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  const done = work.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([done, late]);
  clearTimeout(timer);
  return result;
}

/**
 * Ends the process on SIGTERM or SIGINT: `stop` gets `deadlineMs`, then the process exits whatever still
 * runs. A second signal exits at once. What was in flight and did not finish is taken up by another worker
 * when its lease ends.
 */
export function exitOnSignal(options: { stop: () => Promise<void>; log: Log; deadlineMs?: number }): void {
  const { stop, log, deadlineMs = 10_000 } = options;
  let stopping = false;
  const onSignal = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    const finished = await withDeadline(
      stop().catch((err) => log.error({ err }, 'stop failed')),
      deadlineMs - 500,
    );
    if (!finished) log.warn({ deadlineMs }, 'the deadline passed before everything had stopped');
    process.exit(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
