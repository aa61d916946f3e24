import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { postgresAvailable, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';

describe.skipIf(!postgresAvailable || !redisAvailable)('servers that could lose what was accepted', () => {
  const dir = tempDir();
  let postgres: TestPostgres;
  let redis: TestRedis;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: ['fsync=off', 'synchronous_commit=off'] });
    redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
  });
  afterAll(async () => {
    await redis.stop();
    await postgres.stop();
    dir.remove();
  });

  function start(role: string, NODE_ENV: string) {
    return startChild(['tidings.mjs', role], {
      NODE_ENV,
      DATA_DIR: dir.path,
      DATABASE_URL: postgres.url(),
      REDIS_URL: redis.url,
      PORT: '0',
      WORKERS_PORT: '0',
      BOARD_PORT: '0',
    });
  }

  test.each(['api', 'workers', 'board', 'start'])(
    'in production %s does not start on them, and names every fault',
    async (role) => {
      const child = start(role, 'production');
      await expect(child.printed(/"msg":"ready"|is running/)).rejects.toThrow();
      expect(await child.end()).toBe(1);
      for (const fault of [/fsync/, /synchronous_commit/, /noeviction/, /appendonly/]) {
        expect(child.output()).toMatch(fault);
      }
      expect(child.output()).not.toMatch(/\n\s+at /);
    },
  );

  test('elsewhere it starts and says so', async () => {
    const child = start('api', 'development');
    await child.printed(/"msg":"ready"/);
    expect(child.output().match(/"msg":"unsafe; [^"]+"/g)).toHaveLength(4);
    await child.end();
  });
});
