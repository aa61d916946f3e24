import { afterEach, describe, expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { enginesOf } from '../support/engines.ts';
import { redisAvailable, startRedis } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const apiKey = 'tk_0123456789ab_0123456789abcdef0123456789abcdef';
const cleanUp: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

describe.skipIf(!redisAvailable)(
  'an API alone and everything in one process, with a Redis between them',
  () => {
    test('count the requests of a key together, and end in good order', async () => {
      const dir = tempDir();
      cleanUp.push(dir.remove);
      const redis = await startRedis();
      cleanUp.push(redis.stop);
      const env = {
        ...(await enginesOf(dir.path)),
        REDIS_URL: redis.url,
        API_RATE_LIMIT: '1000',
        TIDINGS_API_KEY: apiKey,
      };
      const running = await startTidings({ dataDir: dir.path, env });
      cleanUp.push(running.stop);
      const alone = startChild(['tidings.mjs', 'api'], { DATA_DIR: dir.path, PORT: '0', ...env });
      cleanUp.push(() => alone.end());
      const [, aloneUrl = ''] = await alone.printed(/"url":"(http:[^"]+)"/);

      const left = async (url: string) => {
        const answer = await fetch(`${url}/v1/projects/default`, {
          headers: { authorization: `Bearer ${apiKey}` },
        });
        await answer.arrayBuffer();
        return answer.headers.get('ratelimit-remaining');
      };
      const urls = Array.from({ length: 10 }, () => [running.url, aloneUrl]).flat();
      // Twenty different numbers, unless each counts for itself.
      await until(
        async () => new Set(await Promise.all(urls.map(left))).size,
        (different) => different === urls.length,
      );
      expect(await alone.end('SIGTERM')).toBe(0);
    });
  },
);
