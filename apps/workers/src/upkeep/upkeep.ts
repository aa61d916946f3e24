import type { Store } from '@tidings/db';
import { type Log, type Repeating, repeat } from '@tidings/runtime';
import { createPruner } from './prune.ts';

/** How long sessions and invitations are kept once they have ended, in milliseconds. */
const endedLoginsMs = 30 * 24 * 3_600_000;
/** Of those, as many as one commit removes. */
const removedAtOnce = 200;
/** Erasures that a process works on by turns. */
const erasedAtOnce = 20;
/** Recipients that are made findable in one commit. */
const filledAtOnce = 200;

/** How often is looked for work, and how long is paused between two commits of it. Milliseconds. */
export interface UpkeepTimes {
  /** For erasures that somebody left in their middle, or that are to be looked at once more. */
  erasureMs?: number;
  /** For what is older than a project keeps it, and for logins that ended long ago. */
  pruneMs?: number;
  /** Between two commits, so that those who accept and deliver hardly notice. */
  pauseMs?: number;
}

/**
 * What the record needs now and then, one commit at a time: finishing erasures, removing what is older than a
 * project keeps it, and sessions and invitations that nobody asks for any more. Any number of processes may do it;
 * what two do at once does no harm.
 */
export function startUpkeep(options: { store: Store; log: Log; times?: UpkeepTimes }): Repeating[] {
  const { store, log, times = {} } = options;
  const { erasureMs = 5000, pruneMs = 3_600_000, pauseMs = 50 } = times;
  const onError = (err: unknown) => log.warn({ err }, 'the upkeep of the record failed; it is tried again');
  const prune = createPruner({ store });
  const erase = createEraser({ store });
  return [
    repeat({
      round: async () => ((await erase()) ? pauseMs : erasureMs),
      onError,
      retryMs: Math.min(5000, erasureMs),
    }),
    repeat({
      round: async () => ((await prune()) ? pauseMs : pruneMs),
      onError,
      retryMs: Math.min(5000, pruneMs),
    }),
    repeat({
      round: async () => {
        const removed = await store.removeEndedLogins({ keepMs: endedLoginsMs, limit: removedAtOnce });
        return removed >= removedAtOnce ? pauseMs : pruneMs;
      },
      onError,
      retryMs: Math.min(5000, pruneMs),
    }),
    fillSearchKeys({ store, pauseMs, onError }),
  ];
}

/**
 * Goes on with the erasures that are due, a commit of one and then of the next, so that a long one does not hold up
 * the others. Answers whether there may be more to do now. One that fails is due again after a while.
 */
function createEraser({ store }: { store: Store }): () => Promise<boolean> {
  const underway: string[] = [];
  return async () => {
    if (underway.length < erasedAtOnce) {
      const due = await store.dueErasures(erasedAtOnce);
      underway.push(...due.filter((id) => !underway.includes(id)));
    }
    const current = underway.shift();
    if (current === undefined) return false;
    if (await store.continueErasure(current)) underway.push(current);
    return true;
  };
}

/** Once, at the start: recipients from before there was a search are made findable. */
function fillSearchKeys(options: {
  store: Store;
  pauseMs: number;
  onError: (error: unknown) => void;
}): Repeating {
  const { store, pauseMs, onError } = options;
  let left: string[] | undefined;
  return repeat({
    round: async () => {
      left ??= (await store.retentions()).map(({ projectId }) => projectId);
      const [projectId] = left;
      // The next start asks again: from now on every recipient is stored findable.
      if (projectId === undefined) return 24 * 3_600_000;
      const filled = await store.fillSearchKeys(projectId, filledAtOnce);
      if (filled < filledAtOnce) left.shift();
      return pauseMs;
    },
    onError,
  });
}
