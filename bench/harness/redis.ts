import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startProgram } from '../../test/support/child.ts';
import { freePort } from '../../test/support/free-port.ts';
import { until } from '../../test/support/until.ts';
import { onCore } from './cores.ts';

/** A Redis with the settings that docker-compose.yml gives it, on the core of the load. */
export interface BenchRedis {
  readonly url: string;
  flush(): Promise<void>;
  /** What it holds in memory, in MB. */
  usedMb(): Promise<number>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<BenchRedis> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'tidings-bench-redis-'));
  const settings = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'];
  const server = startProgram(
    [
      ...onCore('load'),
      'redis-server',
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--save',
      '',
      ...settings,
    ],
    { cwd: dir, env: process.env },
  );
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 25 });
  redis.on('error', () => {});
  await until(
    () => redis.ping(),
    (pong) => pong === 'PONG',
  );
  return {
    url,
    flush: async () => {
      await redis.flushall();
    },
    usedMb: async () => {
      const [, bytes = '0'] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
      return Number(bytes) / 2 ** 20;
    },
    stop: async () => {
      redis.disconnect();
      await server.end('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
