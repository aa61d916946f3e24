import type { Store } from '@tidings/db';
import { type Log, type Repeating, repeat } from '@tidings/runtime';

/** How often is looked for work, and how long is paused between two commits of it. Milliseconds. */
export interface UpkeepTimes {
  /** For erasures that somebody left in their middle, or that are to be looked at once more. */
  erasureMs?: number;
  /** Between two commits, so that those who accept and deliver hardly notice. */
  pauseMs?: number;
}

/**
 * What the record needs now and then, one commit at a time: finishing erasures. Any number of processes may do it; what two do at once does no harm.
 */
export function startUpkeep(options: { store: Store; log: Log; times?: UpkeepTimes }): Repeating[] {
  const { store, log, times = {} } = options;
  const { erasureMs = 5000, pauseMs = 50 } = times;
  const onError = (err: unknown) => log.warn({ err }, 'the upkeep of the record failed; it is tried again');
  const erase = createEraser({ store });
  return [
    repeat({
      round: async () => ((await erase()) ? pauseMs : erasureMs),
      onError,
      retryMs: Math.min(5000, erasureMs),
    }),
  ];
}

/** Goes on with one erasure after the other, a commit a call. Answers whether there may be more to do now. */
function createEraser({ store }: { store: Store }): () => Promise<boolean> {
  let current: string | undefined;
  return async () => {
    current ??= (await store.dueErasures(1))[0];
    if (current === undefined) return false;
    if (!(await store.continueErasure(current))) current = undefined;
    return true;
  };
}
