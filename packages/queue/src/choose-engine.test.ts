import { silentLog } from '@tidings/runtime';
import { describe, expect, it } from 'vitest';
import { postgresAvailable, startPostgres } from '../../../test/support/postgres-server.ts';
import { redisAvailable, startRedis } from '../../../test/support/redis-server.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { chooseEngine, hasSharedQueue, type QueueAddress } from './choose-engine.ts';

const databaseUrl = 'postgres://user:secret@127.0.0.1:1/tidings';
const redisUrl = 'redis://:secret@127.0.0.1:1';

describe('the choice of an engine', () => {
  /** What the chosen engine says of itself and of its settings. */
  async function chosen(address: QueueAddress): Promise<{ description: string; faults: string[] }> {
    const dir = tempDir();
    const engine = await chooseEngine({ ...address, dataDir: dir.path, log: silentLog() });
    try {
      return { description: engine.description, faults: await engine.settingFaults().catch(() => []) };
    } finally {
      await engine.close();
      dir.remove();
    }
  }

  it('REDIS_URL wins, and no secret of it is told', async () => {
    expect((await chosen({ redisUrl, databaseUrl })).description).toBe('queue: Redis at 127.0.0.1:1');
  });

  it('"embedded" means PGlite whatever the record is', async () => {
    expect((await chosen({ redisUrl: 'embedded', databaseUrl })).description).toMatch(/PGlite/);
  });

  it('a Postgres record without Redis means its server, which may be away', async () => {
    expect((await chosen({ databaseUrl })).description).toMatch(/^queue: Postgres at 127\.0\.0\.1:1 /);
  });

  it.skipIf(!postgresAvailable)('an empty database is ready for jobs when the engine is there', async () => {
    const postgres = await startPostgres();
    const options = { databaseUrl: postgres.url(), dataDir: '', log: silentLog() };
    const engine = await chooseEngine(options);
    await engine.queue('email').add('email', { v: 1, id: 'msg_1' }, { priority: 2 });
    expect(await engine.queue('email').count()).toBe(1);
    await engine.close();
    await postgres.stop();
  });

  it.skipIf(!redisAvailable)(
    'a SQLite record without Redis means a private one, whose settings are right',
    async () => {
      const { description, faults } = await chosen({ databaseUrl: 'file:/tmp/tidings.db' });
      expect(description).toMatch(/private Redis/);
      expect(faults).toEqual([]);
    },
  );

  it.skipIf(!redisAvailable)('the faults of a Redis of ours are told', async () => {
    const redis = await startRedis();
    expect((await chosen({ redisUrl: redis.url })).faults).toHaveLength(1);
    await redis.stop();
  });
});

it.each<[QueueAddress, boolean]>([
  [{}, false],
  [{ databaseUrl: 'file:tidings.db' }, false],
  [{ redisUrl: '' }, false],
  [{ redisUrl: 'embedded' }, false],
  [{ redisUrl: 'embedded', databaseUrl }, false],
  [{ redisUrl }, true],
  [{ databaseUrl }, true],
  [{ databaseUrl: 'postgresql://127.0.0.1/tidings' }, true],
  [{ redisUrl, databaseUrl: 'file:tidings.db' }, true],
])('processes with %j share a queue: %j', (address, shared) => {
  expect(hasSharedQueue(address)).toBe(shared);
});
