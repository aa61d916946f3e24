import { type Log, type Repeating, withDeadline } from '@tidings/runtime';
import { createBullOnPostgres, migrate } from './bull-on-postgres.ts';
import type { QueueEngine } from './engine.ts';
import { createErrorReporter } from './error-reporter.ts';
import { keepPostgresSmall } from './postgres-housekeeping.ts';
import { openPostgresPools } from './postgres-pools.ts';

const closeMs = 500;

/**
 * BullMQ on a Postgres server, which any number of processes share. The server may be away at any time, also
 * now: producers reject within about two seconds, workers resume within seconds of its return, and nothing is
 * thrown meanwhile.
 */
export function createPostgresEngine(options: {
  url: string;
  description: string;
  log: Log;
  tidyEveryMs?: number;
}): QueueEngine {
  const { url, description, log, tidyEveryMs = 5000 } = options;
  const pools = openPostgresPools({
    url,
    report: createErrorReporter({ log, source: 'postgres' }),
    migrate: async (session) => {
      // Held until the session ends: of several processes that start at once, one migrates.
      await session.query("SELECT pg_advisory_lock(hashtext('tidings:queue:migrate'))");
      await migrate(session);
    },
  });
  const { producers, workers, consumers, inSession } = pools;
  const bull = createBullOnPostgres({ log, producers, workers, consumers });
  // Started with the first worker: whoever only adds leaves nothing behind.
  let housekeeping: Repeating | undefined;

  return {
    description,
    queue: bull.queue,
    taker: bull.taker,
    worker: (...args) => {
      housekeeping ??= keepPostgresSmall({ inSession, log, everyMs: tidyEveryMs });
      return bull.worker(...args);
    },
    sequence: bull.sequence,
    ping: bull.ping,
    settingFaults: async () => [],
    close: async () => {
      const tidied = housekeeping?.stop() ?? Promise.resolve();
      await bull.close();
      await withDeadline(tidied, closeMs);
      await pools.close(closeMs);
    },
  };
}
