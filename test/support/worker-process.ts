import { openFoundation } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { chooseProvider, createWorkers } from '@tidings/workers';
import { quick } from './quick.ts';

// The workers' own main with the quick waits of the tests, for a test to kill.
const config = parseConfig(process.env);
const log = createLog({ level: config.LOG_LEVEL, name: 'workers' });
const { store, engine, close } = await openFoundation({ config, log });
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
    await close();
  },
});
log.info('ready');
