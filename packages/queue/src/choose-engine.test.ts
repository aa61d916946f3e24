import { silentLog } from '@tidings/runtime';
import { describe, expect, it } from 'vitest';
import { postgresAvailable, startPostgres } from '../../../test/support/postgres-server.ts';
import { redisAvailable, startRedis } from '../../../test/support/redis-server.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { chooseEngine, hasSharedQueue, type QueueConfig } from './choose-engine.ts';

const DATABASE_URL = 'postgres://user:secret@127.0.0.1:1/tidings';
const REDIS_URL = 'redis://:secret@127.0.0.1:1';

describe('the choice of an engine', () => {
  /** What the chosen engine says of itself and of its settings. */
  async function chosen(address: QueueConfig): Promise<{ description: string; faults: string[] }> {
    const dir = tempDir();
    const engine = await chooseEngine({ config: { ...address, DATA_DIR: dir.path }, log: silentLog() });
    try {
      return { description: engine.description, faults: await engine.settingFaults().catch(() => []) };
    } finally {
      await engine.close();
      dir.remove();
    }
  }

  it('REDIS_URL wins, and no secret of it is told', async () => {
    expect((await chosen({ REDIS_URL, DATABASE_URL })).description).toBe('queue: Redis at 127.0.0.1:1');
  });

  it('"embedded" means PGlite whatever the record is', async () => {
    expect((await chosen({ REDIS_URL: 'embedded', DATABASE_URL })).description).toMatch(/PGlite/);
  });

  it('a Postgres record without Redis means its server, which may be away', async () => {
    expect((await chosen({ DATABASE_URL })).description).toMatch(/^queue: Postgres at 127\.0\.0\.1:1 /);
  });

  it.skipIf(!postgresAvailable)('an empty database is ready for jobs when the engine is there', async () => {
    const postgres = await startPostgres();
    const config = { DATABASE_URL: postgres.url(), DATA_DIR: '' };
    const engine = await chooseEngine({ config, log: silentLog() });
    await engine.queue('email').add('email', { v: 1, id: 'msg_1' }, { priority: 2 });
    expect(await engine.queue('email').count()).toBe(1);
    await engine.close();
    await postgres.stop();
  });

  it.skipIf(!redisAvailable)(
    'a SQLite record without Redis means a private one, whose settings are right',
    async () => {
      const { description, faults } = await chosen({ DATABASE_URL: 'file:/tmp/tidings.db' });
      expect(description).toMatch(/private Redis/);
      expect(faults).toEqual([]);
    },
  );

  it.skipIf(!redisAvailable)('the faults of a Redis of ours are told', async () => {
    const redis = await startRedis();
    expect((await chosen({ REDIS_URL: redis.url })).faults).toHaveLength(1);
    await redis.stop();
  });
});

it.each<[QueueConfig, boolean]>([
  [{}, false],
  [{ DATABASE_URL: 'file:tidings.db' }, false],
  [{ REDIS_URL: '' }, false],
  [{ REDIS_URL: 'embedded' }, false],
  [{ REDIS_URL: 'embedded', DATABASE_URL }, false],
  [{ REDIS_URL }, true],
  [{ DATABASE_URL }, true],
  [{ DATABASE_URL: 'postgresql://127.0.0.1/tidings' }, true],
  [{ REDIS_URL, DATABASE_URL: 'file:tidings.db' }, true],
])('processes with %j share a queue: %j', (address, shared) => {
  expect(hasSharedQueue(address)).toBe(shared);
});
