import { queueOfSubscription, TidingsError } from '@tidings/contracts';
import type { QueueEngine, Taker } from '@tidings/queue';

/** What takes jobs out of the queues of consumers in this process. */
export interface Takers {
  /**
   * The one of this subscription, opened when there is none.
   *
   * @throws TidingsError `queue_unavailable` in a process that has no queue to reach.
   */
  of(subscriptionId: string): Taker;
  /** Ends when this process does: nobody takes anything any more. */
  readonly ending: AbortSignal;
  stop(): Promise<void>;
}

/** Opens a taker at the first call for a subscription, and closes it when nobody has called for `idleMs`. */
export function createTakers(options: { engine: QueueEngine | undefined; idleMs?: number }): Takers {
  const { engine, idleMs = 60_000 } = options;
  const opened = new Map<string, { taker: Taker; idle: NodeJS.Timeout }>();
  const ending = new AbortController();

  function open(subscriptionId: string): Taker {
    if (engine === undefined) throw queueUnavailable();
    const taker = engine.taker(queueOfSubscription(subscriptionId));
    const idle = setTimeout(() => void close(subscriptionId), idleMs).unref();
    opened.set(subscriptionId, { taker, idle });
    return taker;
  }

  async function close(subscriptionId: string): Promise<void> {
    const known = opened.get(subscriptionId);
    opened.delete(subscriptionId);
    clearTimeout(known?.idle);
    // A queue that is away leaves nothing to close.
    await known?.taker.close().catch(() => {});
  }

  return {
    of: (subscriptionId) => {
      const known = opened.get(subscriptionId);
      known?.idle.refresh();
      return known?.taker ?? open(subscriptionId);
    },
    ending: ending.signal,
    stop: async () => {
      ending.abort();
      await Promise.all([...opened.keys()].map(close));
    },
  };
}

export function queueUnavailable(cause?: unknown): TidingsError {
  return new TidingsError('queue_unavailable', { headers: { 'retry-after': '1' }, cause });
}
