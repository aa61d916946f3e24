import { openSharedFoundation } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { createApi } from './api.ts';
import { bootstrap } from './bootstrap.ts';
import { openLimiters } from './limiters.ts';

/**
 * The API alone. Without `REDIS_URL`, and with SQLite as the record, there is no queue that workers in another
 * process could share, so it accepts into SQL and their relay finds the messages there.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = createLog({ level: config.LOG_LEVEL, name: 'api' });
  const metrics = createMetrics({ defaults: true });
  const { store, engine, close } = await openSharedFoundation({ config, log });
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = config;
  const { source } = await bootstrap({
    store,
    dataDir: config.DATA_DIR,
    apiKey: config.TIDINGS_API_KEY,
    ...(email && password && { owner: { email, password } }),
  });
  const limiters = openLimiters(config);
  const api = createApi({ store, engine, config, log, metrics, limiters });
  const server = await api.start();
  exitOnSignal({
    log,
    stop: async () => {
      await api.stop();
      await limiters.stop();
      await close();
    },
  });
  if (!(await store.hasAccounts()))
    log.info('nobody can log in yet: set ADMIN_EMAIL and ADMIN_PASSWORD, or run npm run admin:create');
  log.info(
    { url: server.url, queue: engine?.description ?? 'none: messages wait in SQL', apiKey: source },
    'ready',
  );
}
