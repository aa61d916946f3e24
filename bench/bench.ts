import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../test/support/postgres-server.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { type BenchRedis, startRedis } from './harness/redis.ts';

/** On what the product runs. Only the first is judged; the others are for information. */
export const engines = ['redis+sqlite', 'redis+postgres', 'embedded+sqlite'] as const;
export type Engine = (typeof engines)[number];

/** Where a Tidings under test keeps its things: the variables for its process. */
export interface BenchRecord {
  env: { DATA_DIR: string; REDIS_URL: string; DATABASE_URL?: string };
  remove(): void;
}

/** What the rows share. */
export interface Bench {
  quick: boolean;
  rounds: number;
  engine: Engine;
  /** Where profiles go, when they are wanted. */
  profileDir: string | undefined;
  redis(): Promise<BenchRedis>;
  /** Empties Redis, when there is one. */
  flush(): Promise<void>;
  /** A fresh record; `database` is a numbered one of Redis, for jobs that must not be mixed. */
  record(database?: number): Promise<BenchRecord>;
  /** Makes something once for all rows that ask for it. */
  shared<Value>(name: string, make: () => Promise<Value>): Promise<Value>;
  /** Has this called at the end, the last one first. */
  atEnd(end: () => unknown): void;
  say(line: string): void;
  close(): Promise<void>;
}

export function createBench(options: {
  quick: boolean;
  rounds: number;
  engine: Engine;
  profileDir: string | undefined;
}): Bench {
  const made = new Map<string, Promise<unknown>>();
  const ends: Array<() => unknown> = [];
  let databases = 0;

  function shared<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    const known = made.get(name) ?? make();
    made.set(name, known);
    return known as Promise<Value>;
  }
  const redis = () =>
    shared('redis', async () => {
      const server = await startRedis();
      ends.push(server.stop);
      return server;
    });
  const postgres = () =>
    shared<TestPostgres>('postgres', async () => {
      const server = await startPostgres();
      ends.push(server.stop);
      return server;
    });

  return {
    ...options,
    redis,
    flush: async () => {
      if (made.has('redis')) await (await redis()).flush();
    },
    record: async (database = 0) => {
      const dir = tempDir();
      ends.push(dir.remove);
      databases += 1;
      const isPostgres = options.engine === 'redis+postgres';
      const isEmbedded = options.engine === 'embedded+sqlite';
      return {
        env: {
          DATA_DIR: dir.path,
          REDIS_URL: isEmbedded ? 'embedded' : `${(await redis()).url}/${database}`,
          ...(isPostgres && { DATABASE_URL: await (await postgres()).createDatabase(`bench_${databases}`) }),
        },
        remove: dir.remove,
      };
    },
    shared,
    atEnd: (end) => void ends.push(end),
    say: (line) => console.error(line),
    close: async () => {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

/** A folder for the profiles of one measurement, empty. */
export function profileFolder(bench: Bench, name: string): string | undefined {
  if (bench.profileDir === undefined) return undefined;
  const dir = join(bench.profileDir, name);
  rmSync(dir, { recursive: true, force: true });
  return dir;
}
