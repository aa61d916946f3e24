import { createStore, openDatabase, type Store } from '@tidings/db';
import { type Config, type Log, refuseUnsafe } from '@tidings/runtime';
import { chooseEngine, hasSharedQueue } from './choose-engine.ts';
import type { QueueEngine } from './engine.ts';

/** What every process stands on: the record and, where it has one, the queue. */
export interface Foundation<Engine = QueueEngine> {
  store: Store;
  engine: Engine;
  close(): Promise<void>;
}

interface FoundationOptions {
  config: Pick<Config, 'NODE_ENV' | 'DATA_DIR' | 'DATABASE_URL' | 'DATABASE_POOL_SIZE' | 'REDIS_URL'>;
  log: Log;
}

/**
 * Opens the record and the queue that the configuration names, and has their settings read back.
 *
 * @throws UnsafeSettingsError in production, DatabaseUnreachableError
 */
export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, log } = options;
  const database = await openRecord(options);
  const engine = await chooseEngine({ config, log });
  async function close(): Promise<void> {
    await engine.close();
    await database.close();
  }
  await safeOrClosed(options, { database, queue: engine }, close);
  return { store: createStore(database), engine, close };
}

/** The same without a queue where none can be shared: messages wait in the record for processes that have one. */
export async function openSharedFoundation(
  options: FoundationOptions,
): Promise<Foundation<QueueEngine | undefined>> {
  if (hasSharedQueue(options.config)) return openFoundation(options);
  const database = await openRecord(options);
  await safeOrClosed(options, { database }, database.close);
  return { store: createStore(database), engine: undefined, close: database.close };
}

function openRecord({ config, log }: FoundationOptions) {
  return openDatabase(config, (err) => log.warn({ err }, 'a connection to the database broke'));
}

async function safeOrClosed(
  { config, log }: FoundationOptions,
  parts: Parameters<typeof refuseUnsafe>[0]['parts'],
  close: () => Promise<void>,
): Promise<void> {
  await refuseUnsafe({ nodeEnv: config.NODE_ENV, log, parts }).catch(async (error) => {
    await close();
    throw error;
  });
}
