import { openFoundation } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { createWorkers, findProviders, type WorkerTuning } from '@tidings/workers';
import { failingEngine, failingStore } from './failing-parts.ts';
import { createFailpoint } from './failpoint.ts';
import { quick } from './quick.ts';

// The workers' own main with the quick waits of the tests (and those of TEST_TUNING, which is JSON), for a test
// to kill, or to have killed at a moment.
const config = parseConfig(process.env);
const log = createLog({ level: config.LOG_LEVEL, name: 'workers' });
const { store, engine, close } = await openFoundation({ config, log });
const failpoint = createFailpoint(process.env);
const tuning = JSON.parse(process.env.TEST_TUNING || '{}') as WorkerTuning;
const workers = createWorkers({
  store: failingStore(store, failpoint),
  engine: failingEngine(engine, failpoint),
  providers: findProviders(config),
  config,
  log,
  metrics: createMetrics(),
  tuning: { ...quick, ...tuning },
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
