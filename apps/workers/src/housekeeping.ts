import type { Store } from '@tidings/db';
import { type Log, type Repeating, repeat } from '@tidings/runtime';

const dayMs = 86_400_000;
const batch = 500;

/**
 * Removes what nobody asks for any more, a batch at a time: sessions and invitations that ended `keepMs` ago.
 * Rounds come every `everyMs`, and at once while there is more. Several processes may do it side by side.
 */
export function startHousekeeping(options: {
  store: Pick<Store, 'removeEndedLogins'>;
  log: Log;
  keepMs?: number;
  everyMs?: number;
}): Repeating {
  const { store, log, keepMs = 30 * dayMs, everyMs = 3_600_000 } = options;
  return repeat({
    round: async () => {
      const removed = await store.removeEndedLogins({ keepMs, limit: batch });
      return removed >= batch ? 0 : everyMs;
    },
    onError: (err) => log.warn({ err }, 'old sessions could not be removed; it tries again'),
    retryMs: 60_000,
  });
}
