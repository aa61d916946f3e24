import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { endWithParent } from './end-with-parent.ts';
import { freePort } from './free-port.ts';

/** Whether tests that need a real Redis can run here. */
export const redisAvailable = canRun('redis-server');

/** A Redis of its own for a test file, on 127.0.0.1, without persistence. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** SIGKILL: what the server held is gone. */
  kill(): Promise<void>;
  /** The same port again, empty. Kills the server first when it still runs. */
  restart(): Promise<void>;
  /** SIGSTOP: it is there and answers nothing. */
  freeze(): void;
  /** Undoes `freeze`. */
  thaw(): void;
  /** Where it keeps its files. */
  readonly dir: string;
  /** Runs a command, such as `CONFIG SET`. */
  run(command: string, ...args: string[]): Promise<unknown>;
  /** FLUSHALL. */
  flush(): Promise<void>;
  /** Every key and value it holds, as text. */
  everything(): Promise<string>;
  stop(): Promise<void>;
}

/** `args` are further settings, such as `--appendonly yes`; of two for one setting the later one counts. */
export async function startRedis(options: { port?: number; args?: string[] } = {}): Promise<TestRedis> {
  const port = options.port ?? (await freePort());
  const dir = mkdtempSync(join(tmpdir(), 'tidings-redis-'));
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--save',
      '',
      '--appendonly',
      'no',
      ...(options.args ?? []),
    ];
    // It would die of a file that may not grow; on a full disk it does not.
    const command = ['-c', 'trap "" XFSZ; exec redis-server "$@"', 'redis-server', ...args];
    child = spawn('sh', command, { stdio: 'ignore' });
    await untilItAnswers(url);
  }
  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  const forget = endWithParent(() => child?.kill('SIGKILL'));

  await start();
  return {
    url,
    port,
    get pid() {
      return child?.pid ?? -1;
    },
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    dir,
    run: (name, ...args) => command(url, (redis) => redis.call(name, ...args)),
    flush: async () => {
      await command(url, (redis) => redis.flushall());
    },
    everything: () => command(url, readEverything),
    stop: async () => {
      forget();
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await command(url, (redis) => redis.ping());
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(20);
    }
  }
}

async function command<Answer>(url: string, run: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await run(redis);
  } finally {
    redis.disconnect();
  }
}

async function readEverything(redis: Redis): Promise<string> {
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, '0', '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map(async (key) => readers[await redis.type(key)]?.(key)));
  return JSON.stringify([keys, values]);
}

function canRun(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
