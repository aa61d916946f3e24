import { bootstrap, createApi } from '@tidings/api';
import { createStore, openDatabase } from '@tidings/db';
import { chooseEngine, hasSharedQueue } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { failingDatabase, failingEngine, failingStore } from './failing-parts.ts';
import { createFailpoint } from './failpoint.ts';

// The API's own main with failpoints between its parts, for a test to have it killed at a moment.
const config = parseConfig(process.env);
const log = createLog({ level: config.LOG_LEVEL, name: 'api' });
const database = await openDatabase(config);
await bootstrap({ store: createStore(database), dataDir: config.DATA_DIR, apiKey: config.TIDINGS_API_KEY });
const failpoint = createFailpoint(process.env);
const store = failingStore(createStore(failingDatabase(database, failpoint)), failpoint);
const engine = hasSharedQueue(config)
  ? failingEngine(await chooseEngine({ config, log }), failpoint)
  : undefined;
const api = createApi({ store, engine, config, log, metrics: createMetrics() });
const server = await api.start();
exitOnSignal({
  log,
  stop: async () => {
    await api.stop();
    await engine?.close();
    await database.close();
  },
});
log.info({ url: server.url }, 'ready');
