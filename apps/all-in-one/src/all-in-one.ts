import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BootstrapKey, bootstrap, createApi, openLimiters } from '@tidings/api';
import { type Admin, createBoard, findAdmin } from '@tidings/board';
import { holdLock } from '@tidings/db';
import { openFoundation } from '@tidings/queue';
import { type Config, type Log, type Metrics, serveHttp } from '@tidings/runtime';
import { createWorkers, findProviders, type WorkerTuning } from '@tidings/workers';
import { onOnePort } from './one-port.ts';

/** Everything in one process, running. */
export interface AllInOne {
  url: string;
  apiKey: BootstrapKey;
  /** Who may log in to the board, and the first owner of the instance. */
  admin: Admin;
  queue: string;
  stop(): Promise<void>;
}

/**
 * Starts API, workers and board in this process, with the record and the queue they need. Only one may run on a
 * data directory: the lock says so to the second, and lets the first take up at once what a killed
 * predecessor had in hand.
 *
 * @throws LockHeldError naming the process that holds the directory.
 */
export async function startAllInOne(options: {
  config: Config;
  log: Log;
  metrics: Metrics;
  tuning?: WorkerTuning;
}): Promise<AllInOne> {
  const { config, log, metrics, tuning } = options;
  const providers = findProviders(config);
  // Before the queue: a private Redis that a killed predecessor left behind is ended, and must not be a living one's.
  const lock = holdLock({
    path: join(config.DATA_DIR, 'all-in-one.lock'),
    about: `Tidings, process ${process.pid}`,
  });
  const { store, engine, close } = await openFoundation({ config, log }).catch((error) => {
    lock.release();
    throw error;
  });
  // Ours alone while we hold the lock, so leases under this name are those of a dead predecessor.
  const owner = instanceOf(config.DATA_DIR);
  await store.endLeasesOf(owner);
  await store.endCopyLeasesOf(owner);
  const admin = await findAdmin({
    dataDir: config.DATA_DIR,
    email: config.ADMIN_EMAIL,
    password: config.ADMIN_PASSWORD,
  });
  const apiKey = await bootstrap({
    store,
    dataDir: config.DATA_DIR,
    apiKey: config.TIDINGS_API_KEY,
    owner: admin,
  });
  const shared = { store, engine, config, log, metrics };
  const workers = createWorkers({ ...shared, providers, owner, tuning });
  const limiters = openLimiters(config);
  const api = createApi({ ...shared, limiters, faults: workers.faults, runsWorkers: true });
  const board = createBoard({ ...shared, admin });
  workers.start();
  const server = await serveHttp({
    fetch: onOnePort(api, board),
    host: config.HOST,
    port: config.PORT,
  }).catch(async (error) => {
    await workers.stop();
    await limiters.stop();
    await close();
    lock.release();
    throw error;
  });
  return {
    url: server.url,
    apiKey,
    admin,
    queue: engine.description,
    stop: async () => {
      await server.stop();
      await api.stop();
      await limiters.stop();
      await workers.stop();
      await close();
      lock.release();
    },
  };
}

/** The name of this data directory, made at its first start: the record may be shared with other directories. */
function instanceOf(dataDir: string): string {
  const path = join(dataDir, 'instance');
  if (!existsSync(path)) writeFileSync(path, `all-in-one-${randomUUID()}`);
  return readFileSync(path, 'utf8');
}
