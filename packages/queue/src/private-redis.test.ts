import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silentLog } from '@tidings/runtime';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisAvailable } from '../../../test/support/redis-server.ts';
import { chooseEngine } from './choose-engine.ts';
import { type PrivateRedis, startPrivateRedis } from './private-redis.ts';

const log = silentLog();
const quick = { timeout: 10_000, interval: 20 };
let dataDir: string;
let server: PrivateRedis | undefined;

const recordedPid = (): number => JSON.parse(readFileSync(join(dataDir, 'private-redis.json'), 'utf8')).pid;

function isAlive(pid: number): boolean {
  try {
    // A zombie is dead: only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function ask<T>(path: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ path, retryStrategy: null, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidings-data-'));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

async function started(): Promise<PrivateRedis> {
  server = await startPrivateRedis({ dataDir, log });
  if (!server) throw new Error('no private Redis');
  return server;
}

describe.skipIf(!redisAvailable)('the private Redis', () => {
  it('answers on a socket that is short enough and only ours, and evicts nothing', async () => {
    const { path } = await started();
    expect(Buffer.byteLength(path)).toBeLessThan(104);
    expect(await ask(path, (redis) => redis.config('GET', 'maxmemory-policy'))).toContain('noeviction');
    expect(await ask(path, (redis) => redis.config('GET', 'port'))).toContain('0');
  });

  it('leaves neither process nor files after stop', async () => {
    const { path, stop } = await started();
    const pid = recordedPid();
    await stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(dirname(path))).toBe(false);
    expect(existsSync(join(dataDir, 'private-redis.json'))).toBe(false);
  });

  it('is replaced on the same socket when it dies', async () => {
    const { path } = await started();
    const first = recordedPid();
    process.kill(first, 'SIGKILL');
    await vi.waitFor(async () => {
      expect(recordedPid()).not.toBe(first);
      expect(await ask(path, (redis) => redis.ping())).toBe('PONG');
    }, quick);
  });

  it.each([
    { signal: 'SIGKILL' as const, fate: 'is ended by the next start' },
    { signal: 'SIGTERM' as const, fate: 'ends with a parent that exits' },
  ])('$fate ($signal)', async ({ signal }) => {
    const parent = fork(join(import.meta.dirname, 'private-redis.fixture.ts'), [dataDir], {
      stdio: 'ignore',
    });
    const [{ path }] = (await once(parent, 'message')) as [{ path: string }];
    const pid = recordedPid();
    const exited = once(parent, 'exit');
    parent.kill(signal);
    await exited;
    if (signal === 'SIGKILL') expect(isAlive(pid)).toBe(true);
    if (signal === 'SIGKILL') expect((await started()).path).not.toBe(path);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), quick);
    if (signal === 'SIGKILL') expect(existsSync(dirname(path))).toBe(false);
  });

  it('serves the engine that is chosen when nothing is set, and ends with it', async () => {
    const engine = await chooseEngine({ config: { DATA_DIR: dataDir }, log });
    expect(engine.description).toContain('private Redis');
    const pid = recordedPid();
    await vi.waitFor(() => engine.ping(), quick);
    await engine.close();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('without a Redis on the PATH', () => {
  it('PGlite is chosen, and the description tells how to get the faster one', async () => {
    vi.stubEnv('PATH', dataDir);
    expect(await startPrivateRedis({ dataDir, log })).toBeUndefined();
    const engine = await chooseEngine({ config: { DATA_DIR: dataDir }, log });
    vi.unstubAllEnvs();
    expect(engine.description).toContain('PGlite');
    expect(engine.description).toContain('redis-server');
    await engine.close();
  });
});
