import type { AnyQueueName } from '@tidings/contracts';
import type { WindowCursor } from '@tidings/db';
import type { QueueEngine } from './engine.ts';

/** How long a page of what is overdue is. */
const pageSize = 500;

/** Finds what has no job though it should have one. */
export interface Revival {
  /** Looks at everything in the window. */
  checkWindow(): Promise<void>;
  /** Looks at the next page of what is overdue. */
  walkOverdue(): Promise<void>;
}

/**
 * Gives those entries of the window a new job whose job the queue no longer has: a finished one does not run again,
 * and an unknown one is not there.
 */
export function createRevival<Entry extends WindowCursor>(options: {
  overdue: (page: { limit: number; cursor?: WindowCursor; all?: boolean }) => Promise<Entry[]>;
  jobOf: (entry: Entry) => { queue: AnyQueueName; jobId: string };
  /** Moves them to a new generation and adds its jobs. */
  renew: (ids: string[]) => Promise<void>;
  engine: QueueEngine;
}): Revival {
  const { overdue, jobOf, renew, engine } = options;
  let cursor: WindowCursor | undefined;

  async function revive(entries: Entry[]): Promise<void> {
    const states = await Promise.all(
      entries.map((entry) => {
        const { queue, jobId } = jobOf(entry);
        return engine.queue(queue).getJobState(jobId);
      }),
    );
    const gone = entries.filter((_, index) => isGone(states[index]));
    if (gone.length > 0) await renew(gone.map(({ id }) => id));
  }

  return {
    checkWindow: async () => {
      let from: WindowCursor | undefined;
      do {
        const page = await overdue({ limit: pageSize, cursor: from, all: true });
        await revive(page);
        from = page.length < pageSize ? undefined : page.at(-1);
      } while (from !== undefined);
    },
    walkOverdue: async () => {
      const page = await overdue({ limit: pageSize, cursor });
      await revive(page);
      cursor = page.length < pageSize ? undefined : page.at(-1);
    },
  };
}

function isGone(state: string | undefined): boolean {
  return state === 'unknown' || state === 'completed' || state === 'failed';
}
