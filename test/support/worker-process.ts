import { createStore, openDatabase } from '@tidings/db';
import { chooseEngine } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { chooseProvider, createWorkers } from '@tidings/workers';
import { quick } from './quick.ts';

// The workers' own main with the quick waits of the tests, for a test to kill.
const config = parseConfig(process.env);
const log = createLog({ level: config.LOG_LEVEL, name: 'workers' });
const database = await openDatabase(config);
const store = createStore(database);
const engine = await chooseEngine({
  redisUrl: config.REDIS_URL,
  databaseUrl: config.DATABASE_URL,
  dataDir: config.DATA_DIR,
  log,
});
const workers = createWorkers({
  store,
  engine,
  providerFor: chooseProvider(config),
  config,
  log,
  metrics: createMetrics(),
  tuning: quick,
});
workers.start();
exitOnSignal({
  log,
  stop: async () => {
    await workers.stop();
    await engine.close();
    await database.close();
  },
});
log.info('ready');
