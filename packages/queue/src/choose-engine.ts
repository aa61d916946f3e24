import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@tidings/runtime';
import type { QueueEngine } from './engine.ts';
import { startPrivateRedis } from './private-redis.ts';
import { createRedisEngine } from './redis-engine.ts';

/**
 * The engine for a `REDIS_URL`: a URL means that Redis; `embedded` means PGlite in this process; none means a
 * private Redis when one is installed, else PGlite. Closing the engine also ends its private server.
 */
export async function chooseEngine(options: {
  redisUrl?: string;
  dataDir: string;
  log: Log;
}): Promise<QueueEngine> {
  const { redisUrl, dataDir, log } = options;
  if (redisUrl === 'embedded') return pgliteEngine(log);
  if (redisUrl) {
    const description = `queue: Redis at ${hostOf(redisUrl)}`;
    return connected(createRedisEngine({ connection: redisUrl, description, log }));
  }
  const server = await startPrivateRedis({ dataDir, log });
  if (!server) return pgliteEngine(log);

  const description =
    'queue: private Redis started by this process (set REDIS_URL to share one between processes)';
  const engine = await connected(createRedisEngine({ connection: { path: server.path }, description, log }));
  return {
    ...engine,
    // Without persistence on purpose: nobody else's jobs are in it, and ours are in SQL.
    settingFaults: async () => [],
    close: async () => {
      await engine.close();
      await server.stop();
    },
  };
}

/** Loaded only when it is needed: a Postgres in memory is a hundred megabytes that Redis users need not have. */
async function pgliteEngine(log: Log): Promise<QueueEngine> {
  const { createPgliteEngine } = await import('./pglite-engine.ts');
  return createPgliteEngine({ log });
}

/** Gives a Redis that is there two seconds to say so; one that is away is no reason not to start. */
async function connected(engine: QueueEngine): Promise<QueueEngine> {
  const giveUp = performance.now() + 2000;
  for (;;) {
    const answers = await engine.ping().then(
      () => true,
      () => false,
    );
    if (answers || performance.now() > giveUp) return engine;
    await delay(20);
  }
}

/** The part of a URL that may be logged: user and password may not. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an unreadable address';
}
