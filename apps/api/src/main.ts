import { createStore, openDatabase } from '@tidings/db';
import { chooseEngine, hasSharedQueue } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { createApi } from './api.ts';
import { bootstrap } from './bootstrap.ts';

/**
 * The API alone. Without `REDIS_URL`, and with SQLite as the record, there is no queue that workers in another
 * process could share, so it accepts into SQL and their relay finds the messages there.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = createLog({ level: config.LOG_LEVEL, name: 'api' });
  const metrics = createMetrics({ defaults: true });
  const database = await openDatabase(config, (err) =>
    log.warn({ err }, 'a connection to the database broke'),
  );
  const store = createStore(database);
  const { source } = await bootstrap({ store, dataDir: config.DATA_DIR, apiKey: config.TIDINGS_API_KEY });
  const queue = { redisUrl: config.REDIS_URL, databaseUrl: config.DATABASE_URL };
  const engine = hasSharedQueue(queue)
    ? await chooseEngine({ ...queue, dataDir: config.DATA_DIR, log })
    : undefined;
  const api = createApi({ store, engine, config, log, metrics });
  const server = await api.start();
  exitOnSignal({
    log,
    stop: async () => {
      await api.stop();
      await engine?.close();
      await database.close();
    },
  });
  log.info(
    { url: server.url, queue: engine?.description ?? 'none: messages wait in SQL', apiKey: source },
    'ready',
  );
}
