import type { DeliveryQueue } from '@tidings/queue';
import type { Log } from '@tidings/runtime';
import type { Provider } from '../providers/provider.ts';

/**
 * Keeps a queue from hammering a provider that is unwell.
 *
 * The hold is BullMQ's own rate limit, set for a while and expiring by itself, so that a process that dies
 * leaves nothing held. After it, one probe finds out for everybody whether the provider is back, before
 * any message is claimed: a long outage costs each message at most one attempt and no failure.
 */
export interface Hold {
  /** May a message be claimed? False while the provider is held; the queue's limit is then set. */
  pass(): Promise<boolean>;
  /** The provider turned a message away: hold the queue, longer each time in a row. */
  begin(retryAfterMs?: number): Promise<void>;
}

export function createHold(options: {
  queue: DeliveryQueue;
  provider: Pick<Provider, 'name' | 'probe'>;
  log: Log;
  baseMs?: number;
  capMs?: number;
}): Hold {
  const { queue, provider, log, baseMs = 1000, capMs = 15_000 } = options;
  let strikes = 0;
  let until = 0;
  let probing: Promise<boolean> | undefined;

  async function begin(retryAfterMs = 0): Promise<void> {
    // Those that were turned away together count as one strike.
    if (performance.now() >= until) {
      strikes += 1;
      const waitMs = Math.max(
        Math.min(capMs, baseMs * 2 ** (strikes - 1)),
        Math.min(retryAfterMs, 3_600_000),
      );
      until = performance.now() + waitMs;
      log.warn({ provider: provider.name, queue: queue.name, waitMs }, 'the provider is unwell; holding');
    }
    await queue.rateLimit(Math.max(1, Math.ceil(until - performance.now())));
  }

  async function probe(): Promise<boolean> {
    const well = await provider.probe().catch(() => false);
    if (well) {
      strikes = 0;
      log.info({ provider: provider.name, queue: queue.name }, 'the provider is well again');
    } else {
      await begin();
    }
    return well;
  }

  return {
    begin,
    async pass() {
      if (strikes === 0) return true;
      if (performance.now() < until) {
        await begin();
        return false;
      }
      probing ??= probe().finally(() => {
        probing = undefined;
      });
      return probing;
    },
  };
}
