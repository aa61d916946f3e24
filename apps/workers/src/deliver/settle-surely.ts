import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@tidings/runtime';

/**
 * Records an outcome even when the database is away for a while: giving up would turn a known outcome into an
 * unknown one and send a second copy. Tries about once a second for two minutes, while the lease is kept.
 */
export async function settleSurely<Outcome extends { messageId?: string; copyId?: string }, Settled>(
  settle: (settlement: Outcome) => Promise<Settled>,
  log: Log,
  settlement: Outcome,
  { tries = 120, pauseMs = 1000 }: { tries?: number; pauseMs?: number } = {},
): Promise<Settled> {
  for (let left = tries; ; left -= 1) {
    try {
      return await settle(settlement);
    } catch (err) {
      if (left <= 1) throw err;
      const { messageId, copyId } = settlement;
      log.warn({ err, messageId, copyId }, 'an outcome could not be recorded; trying again');
      await delay(pauseMs);
    }
  }
}
