import { randomUUID } from 'node:crypto';
import { chooseEngine, type QueueEngine } from '@tidings/queue';
import { silentLog } from '@tidings/runtime';
import pg from 'pg';
import { afterAll } from 'vitest';
import { startPostgres } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';

/** On what the suites run, `<queue>+<record>`; `postgres` is both on one server. */
const combinations = ['pglite+sqlite', 'redis+sqlite', 'redis+postgres', 'postgres'] as const;

/** `TEST_ENGINES`, or what needs nothing installed. */
export const enginesOfTests = combinationOf(process.env.TEST_ENGINES || 'pglite+sqlite');

/** The variables that name queue and record; empty ones count as not set. */
export interface EngineVariables {
  REDIS_URL: string;
  DATABASE_URL: string;
}

const byDataDir = new Map<string, Promise<EngineVariables>>();
const ends: Array<() => Promise<unknown>> = [];
let postgres: Promise<{ createDatabase(name: string): Promise<string> }> | undefined;

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/**
 * Queue and record of one Tidings, known by its data directory: asked again they are the same, as after a
 * restart. Redis and Postgres are private servers of the test file, or those of `TEST_REDIS_URL` and
 * `TEST_POSTGRES_URL`, whose user must be allowed to make databases.
 */
export function enginesOf(dataDir: string): Promise<EngineVariables> {
  const known = byDataDir.get(dataDir) ?? makeEngines();
  byDataDir.set(dataDir, known);
  return known;
}

/** The queue of one Tidings, opened as a process of ours would. */
export async function openQueue(dataDir: string): Promise<QueueEngine> {
  const config = { ...(await enginesOf(dataDir)), DATA_DIR: dataDir };
  return chooseEngine({ config, log: silentLog() });
}

async function makeEngines(): Promise<EngineVariables> {
  switch (enginesOfTests) {
    case 'pglite+sqlite':
      return { REDIS_URL: 'embedded', DATABASE_URL: '' };
    case 'redis+sqlite':
      // Not set: the product starts a private Redis by itself.
      return { REDIS_URL: '', DATABASE_URL: '' };
    case 'redis+postgres':
      return { REDIS_URL: await redisUrl(), DATABASE_URL: await databaseUrl() };
    case 'postgres':
      return { REDIS_URL: '', DATABASE_URL: await databaseUrl() };
  }
}

async function redisUrl(): Promise<string> {
  const given = process.env.TEST_REDIS_URL;
  // A file has a worker of vitest to itself, and so its own numbered database.
  if (given) return `${given}/${process.env.VITEST_POOL_ID ?? 0}`;
  const server = await startRedis();
  ends.push(server.stop);
  return server.url;
}

async function databaseUrl(): Promise<string> {
  postgres ??= postgresServer();
  return (await postgres).createDatabase(`tidings_${randomUUID().replaceAll('-', '')}`);
}

async function postgresServer() {
  const given = process.env.TEST_POSTGRES_URL;
  if (given) return { createDatabase: (name: string) => createDatabaseAt(given, name) };
  const server = await startPostgres();
  ends.push(server.stop);
  return server;
}

async function createDatabaseAt(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE "${name}" ENCODING 'UTF8' TEMPLATE template0`);
  await client.end();
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}

function combinationOf(name: string): (typeof combinations)[number] {
  const found = combinations.find((one) => one === name);
  if (found === undefined) throw new Error(`TEST_ENGINES must be one of ${combinations.join(', ')}`);
  return found;
}
