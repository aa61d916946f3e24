import { setTimeout as delay } from 'node:timers/promises';
import type { Settled, Settlement } from '@tidings/db';
import type { Log } from '@tidings/runtime';

/**
 * Records an outcome even when the database is away for a while: giving up would turn a known outcome into an
 * unknown one and send a second copy. Tries about once a second for two minutes, while the lease is kept.
 */
export async function settleSurely(
  settle: (settlement: Settlement) => Promise<Settled>,
  log: Log,
  settlement: Settlement,
  { tries = 120, pauseMs = 1000 }: { tries?: number; pauseMs?: number } = {},
): Promise<Settled> {
  for (let left = tries; ; left -= 1) {
    try {
      return await settle(settlement);
    } catch (err) {
      if (left <= 1) throw err;
      log.warn({ err, messageId: settlement.messageId }, 'an outcome could not be recorded; trying again');
      await delay(pauseMs);
    }
  }
}
