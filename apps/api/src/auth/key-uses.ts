import type { Store } from '@tidings/db';

/** Notes when API keys were last used, beside the requests that use them. */
export interface KeyUses {
  /** Costs a look into a map; what is to be written is written later. */
  note(id: string): void;
  /** Writes what is noted and not yet written. */
  stop(): Promise<void>;
}

const keysAtMost = 10_000;

/**
 * Writes the uses of `gatherMs` in one statement, each key at most once every `everyMs`. While the record is away
 * they are let go of: the next use is noted again.
 */
export function createKeyUses(options: {
  store: Pick<Store, 'markKeysUsed'>;
  gatherMs?: number;
  everyMs?: number;
}): KeyUses {
  const { store, gatherMs = 1000, everyMs = 60_000 } = options;
  const writtenAt = new Map<string, number>();
  let waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    timer = undefined;
    if (waiting.size === 0) return;
    const ids = [...waiting];
    waiting = new Set();
    if (writtenAt.size > keysAtMost) writtenAt.clear();
    for (const id of ids) writtenAt.set(id, performance.now());
    await store.markKeysUsed(ids).catch(() => {
      for (const id of ids) writtenAt.delete(id);
    });
  }

  return {
    note: (id) => {
      const last = writtenAt.get(id);
      if (last !== undefined && performance.now() - last < everyMs) return;
      if (waiting.size < keysAtMost) waiting.add(id);
      timer ??= setTimeout(() => {
        writing = write();
      }, gatherMs).unref();
    },
    stop: async () => {
      clearTimeout(timer);
      await writing;
      await write();
    },
  };
}
