import type { Config } from '@tidings/runtime';
import { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';

/** How much of what: so many points for each key in so many seconds. */
export interface Limit {
  /** Tells its counts from those of other limits. */
  name: string;
  points: number;
  durationSeconds: number;
  /** How long a key that went beyond is refused; without it, until its time begins anew. */
  blockSeconds?: number;
}

/** Makes limiters. Those of one place count together. */
export interface Limiters {
  create(limit: Limit): RateLimiterAbstract;
  stop(): Promise<void>;
}

/** A request waits this long for an answer of Redis; the connection is then given up, and no other request waits. */
const patienceMs = 200;

/**
 * Limiters that count in the Redis of `REDIS_URL`, for all processes together. While it is away, or where none is
 * named, each process counts for itself; when it is back, they count together again. The connection is opened
 * with the first limiter.
 */
export function openLimiters({ REDIS_URL: url }: Pick<Config, 'REDIS_URL'>): Limiters {
  let redis: Redis | undefined;

  function connected(to: string): Redis {
    if (redis !== undefined) return redis;
    redis = new Redis(to, {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: patienceMs,
      socketTimeout: patienceMs,
      connectTimeout: 1000,
      retryStrategy: (times) => Math.min(times * 50, 500),
    });
    // What is wrong with it the queue says, which is on the same server.
    redis.on('error', () => {});
    return redis;
  }

  return {
    create: ({ name, points, durationSeconds, blockSeconds = 0 }) => {
      const limit = { points, duration: durationSeconds, blockDuration: blockSeconds };
      const ofProcess = new RateLimiterMemory(limit);
      if (!/^rediss?:/.test(url ?? '')) return ofProcess;
      return new RateLimiterRedis({
        ...limit,
        storeClient: connected(url ?? ''),
        keyPrefix: `{tidings}:limit:${name}`,
        rejectIfRedisNotReady: true,
        insuranceLimiter: ofProcess,
      });
    },
    stop: async () => redis?.disconnect(),
  };
}
