import { openFoundation } from '@tidings/queue';
import {
  createHealthApp,
  createLog,
  createMetrics,
  exitOnSignal,
  parseConfig,
  serveHttp,
} from '@tidings/runtime';
import { findProviders } from './routes/providers.ts';
import { createWorkers } from './workers.ts';

/** The workers alone: as many processes as you like on one record and one queue. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = createLog({ level: config.LOG_LEVEL, name: 'workers' });
  const metrics = createMetrics({ defaults: true });
  const providers = findProviders(config);
  const { store, engine, close } = await openFoundation({ config, log });
  const workers = createWorkers({ store, engine, providers, config, log, metrics });
  workers.start();
  const { fetch } = createHealthApp({
    checks: { database: () => store.readSequence('queue'), queue: engine.ping },
    metrics,
    faults: workers.faults,
  });
  const server = await serveHttp({ fetch, host: config.HOST, port: config.WORKERS_PORT });
  exitOnSignal({
    log,
    stop: async () => {
      await workers.stop();
      await server.stop();
      await close();
    },
  });
  log.info({ url: server.url, queue: engine.description }, 'ready');
}
