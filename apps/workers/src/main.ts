import { createStore, openDatabase } from '@tidings/db';
import { chooseEngine } from '@tidings/queue';
import {
  createHealthApp,
  createLog,
  createMetrics,
  exitOnSignal,
  parseConfig,
  serveHttp,
} from '@tidings/runtime';
import { chooseProvider } from './providers/choose-provider.ts';
import { createWorkers } from './workers.ts';

/** The workers alone: as many processes as you like on one database and one Redis. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = createLog({ level: config.LOG_LEVEL, name: 'workers' });
  const metrics = createMetrics({ defaults: true });
  const providerFor = chooseProvider(config);
  const database = await openDatabase(config, (err) =>
    log.warn({ err }, 'a connection to the database broke'),
  );
  const store = createStore(database);
  const engine = await chooseEngine({
    redisUrl: config.REDIS_URL,
    databaseUrl: config.DATABASE_URL,
    dataDir: config.DATA_DIR,
    log,
  });
  const workers = createWorkers({ store, engine, providerFor, config, log, metrics });
  workers.start();
  const { fetch } = createHealthApp({
    checks: { database: () => store.readSequence('queue'), queue: engine.ping },
    metrics,
  });
  const server = await serveHttp({ fetch, host: config.HOST, port: config.WORKERS_PORT });
  exitOnSignal({
    log,
    stop: async () => {
      await workers.stop();
      await server.stop();
      await engine.close();
      await database.close();
    },
  });
  log.info({ url: server.url, queue: engine.description }, 'ready');
}
