import { PGlite } from '@electric-sql/pglite';
import type { Log } from '@tidings/runtime';
import { createBullOnPostgres, migrate } from './bull-on-postgres.ts';
import type { QueueEngine } from './engine.ts';
import { keepPgliteSmall } from './pglite-housekeeping.ts';
import { pglitePool } from './pglite-pool.ts';

/**
 * BullMQ on a Postgres inside this process, in memory: nothing to install, slower than Redis, empty after a
 * restart.
 */
export async function createPgliteEngine(options: { log: Log; tidyEveryMs?: number }): Promise<QueueEngine> {
  const { log, tidyEveryMs = 5000 } = options;
  const db = await PGlite.create();
  const pool = pglitePool(db);
  const session = await pool.connect();
  await migrate(session);
  session.release();
  const housekeeping = keepPgliteSmall({ pool, log, everyMs: tidyEveryMs });
  const { close, ...bull } = createBullOnPostgres({ log, producers: pool, workers: pool, consumers: pool });

  return {
    ...bull,
    description: 'queue: PGlite in this process (install redis-server, or set REDIS_URL, for more speed)',
    settingFaults: async () => [],
    close: async () => {
      housekeeping.stop();
      await close();
      await db.close();
    },
  };
}
