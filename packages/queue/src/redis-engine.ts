import { type Log, withDeadline } from '@tidings/runtime';
import { Redis, type RedisOptions } from 'ioredis';
import { createBullQueues } from './bull-queues.ts';
import type { QueueEngine } from './engine.ts';
import { createErrorReporter } from './error-reporter.ts';
import { redisFaults } from './redis-settings.ts';

/** A `redis://` or `rediss://` URL, or the unix socket of a server on this machine. */
export type RedisAddress = string | { path: string };

// The braces are a hash tag: a cluster keeps all our keys in one slot, as BullMQ's scripts need.
const prefix = '{tidings}';
const sequenceKey = `${prefix}:sequence`;

const connecting: RedisOptions = {
  connectTimeout: 1500,
  retryStrategy: (times) => Math.min(times * 50, 500),
};

/** Producers fail within two seconds: the message is in SQL already, and the relay adds it later. */
const failingFast: RedisOptions = {
  ...connecting,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: 2000,
  // A connection whose other end vanished without a word is replaced, not only its commands timed out.
  socketTimeout: 5000,
};

/** Workers wait as long as it takes. Their blocking reads last 10 s at most, so 15 s of silence is a dead peer. */
const patient: RedisOptions = { ...connecting, maxRetriesPerRequest: null, socketTimeout: 15_000 };

/**
 * BullMQ on Redis or Valkey. The server may be away at any time, also now: producers reject within about two
 * seconds, workers resume within about a second of its return, and nothing is thrown meanwhile.
 */
export function createRedisEngine(options: {
  connection: RedisAddress;
  description: string;
  log: Log;
}): QueueEngine {
  const { connection, description, log } = options;
  const report = createErrorReporter({ log, source: 'redis' });
  const opened = new Set<Redis>();

  function open(profile: RedisOptions): Redis {
    const redis =
      typeof connection === 'string'
        ? new Redis(connection, profile)
        : new Redis({ ...profile, ...connection });
    redis.on('error', report);
    // BullMQ duplicates a worker's connection for blocking reads; `close` must reach the copies too.
    redis.duplicate = (override) => open({ ...profile, ...override });
    opened.add(redis);
    redis.once('end', () => opened.delete(redis));
    return redis;
  }

  const producer = open(failingFast);
  // Opened with the first worker: an API process has none.
  let shared: Redis | undefined;
  const queues = createBullQueues({
    log,
    // Without these two, the first add of a queue opened while Redis is away waits for its return.
    forQueues: { connection: producer, prefix, skipWaitingForReady: true, skipVersionCheck: true },
    forWorkers: {
      prefix,
      get connection() {
        shared ??= open(patient);
        return shared;
      },
    },
  });

  return {
    description,
    queue: queues.queue,
    worker: queues.worker,
    taker: queues.taker,
    sequence: {
      read: async () => Number((await producer.get(sequenceKey)) ?? 0),
      raise: () => producer.incr(sequenceKey),
      set: async (value) => {
        await producer.set(sequenceKey, value);
      },
    },
    ping: async () => {
      await producer.ping();
    },
    settingFaults: () => redisFaults(producer),
    close: async () => {
      await queues.close();
      for (const redis of opened) await disconnect(redis);
    },
  };
}

/** Ends a connection in whatever state it is; `quit` first, so that replies under way still arrive. */
async function disconnect(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await withDeadline(redis.quit(), 250);
  redis.disconnect();
}
