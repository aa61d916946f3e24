import { setTimeout as delay } from 'node:timers/promises';
import type { Config, Log } from '@tidings/runtime';
import type { QueueEngine } from './engine.ts';
import { startPrivateRedis } from './private-redis.ts';
import { createRedisEngine } from './redis-engine.ts';

/** The variables that decide which queue it is. */
export type QueueConfig = Partial<Pick<Config, 'REDIS_URL' | 'DATABASE_URL'>>;

/**
 * Whether several processes with these settings share one queue. If not, each that opens one has its own, and
 * an API apart from its workers needs none.
 */
export function hasSharedQueue({ REDIS_URL, DATABASE_URL }: QueueConfig): boolean {
  return REDIS_URL !== 'embedded' && Boolean(REDIS_URL || isPostgres(DATABASE_URL));
}

/**
 * The engine for a `REDIS_URL`: a URL means that Redis; `embedded` means PGlite in this process; none means the
 * Postgres of `DATABASE_URL` when there is one, else a private Redis when one is installed, else PGlite.
 * Closing the engine also ends its private server.
 */
export async function chooseEngine(options: {
  config: QueueConfig & Pick<Config, 'DATA_DIR'>;
  log: Log;
}): Promise<QueueEngine> {
  const { config, log } = options;
  const { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl, DATA_DIR: dataDir } = config;
  if (redisUrl === 'embedded') return pgliteEngine(log);
  if (redisUrl) {
    const description = `queue: Redis at ${hostOf(redisUrl)}`;
    return connected(createRedisEngine({ connection: redisUrl, description, log }));
  }
  if (isPostgres(databaseUrl)) return connected(await postgresEngine(databaseUrl, log));

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

/** Loaded only when it is needed, too. */
async function postgresEngine(url: string, log: Log): Promise<QueueEngine> {
  const { createPostgresEngine } = await import('./postgres-engine.ts');
  const description = `queue: Postgres at ${hostOf(url)} (set REDIS_URL for more speed)`;
  return createPostgresEngine({ url, description, log });
}

function isPostgres(url: string | undefined): url is string {
  return /^postgres(ql)?:\/\//.test(url ?? '');
}

/** Gives a server that is there two seconds to say so; one that is away is no reason not to start. */
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
