/** How a group does its work: all results in the order of the items, an Error standing for a failed one. */
export type GroupRun<Item, Result> = (items: Item[]) => Promise<Array<Result | Error>>;

/** Collects single calls and does them together. */
export type Group<Item, Result> = (item: Item) => Promise<Result>;

/**
 * Group commit: what is called before the next turn of the event loop, or while an earlier group is still
 * running, goes out together. One call alone waits for nothing but that turn. Groups never overlap.
 *
 * Groups that follow each other closely keep a distance, so that each holds more: where a group costs much and an
 * item little, that is faster for all. It is `gatherMs`, and at least as long as the last one kept the event loop to
 * itself, as SQLite does for its disk, so that there is as much time for everything else; but for that no more than
 * `maxRestMs`, because where only a few wait for a slow disk, nothing else would happen. A full group does not wait,
 * nor does a call after a pause.
 *
 * When a group as a whole throws, its items are run again one by one, so that a fault of one item fails
 * that item only. `isOutage` tells the errors for which that is pointless: then the group fails, and with it
 * what came while it ran, which would only wait as long for the same.
 *
 * A group has at most `maxItems` items, and where `weigh` says that one is the work of several, fewer: its weight is
 * at most `maxItems` too, unless a single item has more.
 */
export function createGroup<Item, Result>(options: {
  run: GroupRun<Item, Result>;
  maxItems: number;
  weigh?: (item: Item) => number;
  gatherMs?: number;
  maxRestMs?: number;
  isOutage?: (error: unknown) => boolean;
}): Group<Item, Result> {
  const { run, maxItems, weigh = () => 1, gatherMs = 0, maxRestMs = 5, isOutage = () => false } = options;
  interface Waiting {
    item: Item;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let busy = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  let blockedMs = 0;

  function schedule() {
    const restMs = Math.max(gatherMs, Math.min(blockedMs, maxRestMs));
    const isRested = performance.now() - endedAt >= restMs;
    if (isRested || waiting.length >= maxItems) setImmediate(flush);
    else setTimeout(flush, restMs);
  }

  function sizeOfNext(): number {
    let weight = 0;
    const tooMany = waiting.findIndex(({ item }) => {
      weight += Math.max(1, weigh(item));
      return weight > maxItems;
    });
    return tooMany === -1 ? waiting.length : Math.max(1, tooMany);
  }

  async function flush() {
    const size = sizeOfNext();
    const batch = waiting.slice(0, size);
    waiting = waiting.slice(size);
    const startedAt = performance.now();
    const settling = settle(batch);
    blockedMs = performance.now() - startedAt;
    await settling;
    endedAt = performance.now();
    if (waiting.length > 0) schedule();
    else busy = false;
  }

  async function settle(batch: Waiting[]) {
    try {
      const results = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result instanceof Error) reject(result);
        else resolve(result as Result);
      });
    } catch (error) {
      if (isOutage(error)) for (const { reject } of [...batch, ...waiting.splice(0)]) reject(error);
      else if (batch.length === 1) for (const { reject } of batch) reject(error);
      else for (const single of batch) await settle([single]);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (busy) return;
      busy = true;
      schedule();
    });
}
