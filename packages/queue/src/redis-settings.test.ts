import { describe, expect, it, vi } from 'vitest';
import { redisAvailable, startRedis } from '../../../test/support/redis-server.ts';
import { log, quick } from './engine.contract.ts';
import { createRedisEngine } from './redis-engine.ts';

describe.skipIf(!redisAvailable)('the settings of a Redis', () => {
  /** What the engine says of a server with these settings. */
  async function faultsWith(args: string[]): Promise<string[]> {
    const redis = await startRedis({ args });
    const engine = createRedisEngine({ connection: redis.url, description: 'test', log });
    try {
      await vi.waitFor(() => engine.ping(), quick);
      return await engine.settingFaults();
    } finally {
      await engine.close();
      await redis.stop();
    }
  }

  it.each([
    ['safe ones have no fault', ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'], []],
    ['no append-only file is a fault', ['--appendonly', 'no'], [/appendonly yes/]],
    [
      'evicting keys is a fault',
      ['--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru'],
      [/allkeys-lru.*noeviction/],
    ],
    [
      'all faults are told at once',
      ['--maxmemory-policy', 'volatile-ttl'],
      [/volatile-ttl/, /appendonly yes/],
    ],
  ])('%s', async (_, args, faults) => {
    const found = await faultsWith(args);
    expect(found).toEqual(faults.map((fault) => expect.stringMatching(fault)));
  });

  it('cannot be told while the server is away', async () => {
    const engine = createRedisEngine({ connection: 'redis://127.0.0.1:1', description: 'test', log });
    await expect(engine.settingFaults()).rejects.toThrow();
    await engine.close();
  });
});
