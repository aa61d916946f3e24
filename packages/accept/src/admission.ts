import { statfs } from 'node:fs/promises';
import { TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { type Config, type Log, repeat } from '@tidings/runtime';

/** Whether there is room for more. */
export interface Admission {
  /** Why nothing is accepted right now; undefined while it is. */
  readonly fault: string | undefined;
  /** @throws TidingsError `overloaded`, with `Retry-After`, while nothing is accepted. */
  check(): void;
  stop(): Promise<void>;
}

const retryAfterS = 30;
const bytesPerMb = 1_000_000;

/**
 * Looks every `everyMs` whether too many messages wait, or the disk of the data directory is about to be full:
 * what cannot be stored or delivered in reasonable time is better refused than accepted. In between it trusts
 * what it saw, so a bound may be passed by what arrives in that time. A look that fails changes nothing; when the
 * record is away, the commit says so.
 */
export function createAdmission(options: {
  store: Pick<Store, 'hasBacklogOver'>;
  config: Pick<Config, 'DATA_DIR' | 'MAX_BACKLOG' | 'MIN_FREE_DISK_MB'>;
  log: Log;
  everyMs?: number;
}): Admission {
  const { store, config, log, everyMs = 1000 } = options;
  const { DATA_DIR: dataDir, MAX_BACKLOG: maxBacklog, MIN_FREE_DISK_MB: minFreeMb } = config;
  let fault: string | undefined;

  async function look(): Promise<string | undefined> {
    const { bavail, bsize } = await statfs(dataDir);
    if (bavail * bsize < minFreeMb * bytesPerMb) return `less than ${minFreeMb} MB of disk are free`;
    if (maxBacklog !== undefined && (await store.hasBacklogOver(maxBacklog))) {
      return `more than ${maxBacklog} messages wait`;
    }
    return undefined;
  }

  const looking = repeat({
    round: async () => {
      const seen = await look();
      if (seen !== fault) log.warn({ fault: seen ?? 'none' }, 'whether more is accepted has changed');
      fault = seen;
      return everyMs;
    },
    onError: (err) => log.debug({ err }, 'could not look whether there is room'),
    retryMs: everyMs,
  });

  return {
    get fault() {
      return fault;
    },
    check() {
      if (fault === undefined) return;
      throw new TidingsError('overloaded', { detail: fault, headers: { 'retry-after': `${retryAfterS}` } });
    },
    stop: looking.stop,
  };
}
