import { openFoundation } from '@tidings/queue';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
import { findAdmin } from './admin.ts';
import { createBoard } from './board.ts';
import { boardPath } from './bull-board.ts';
import { requireSharedQueue } from './shared-queue.ts';

/** The board alone, over the queue that API and workers share. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  requireSharedQueue(config);
  const log = createLog({ level: config.LOG_LEVEL, name: 'board' });
  const metrics = createMetrics({ defaults: true });
  const { store, engine, close } = await openFoundation({ config, log });
  const admin = await findAdmin({
    dataDir: config.DATA_DIR,
    email: config.ADMIN_EMAIL,
    password: config.ADMIN_PASSWORD,
  });
  const board = createBoard({ engine, store, admin, config, log, metrics });
  const server = await board.start();
  exitOnSignal({
    log,
    stop: async () => {
      await board.stop();
      await close();
    },
  });
  log.info({ url: `${server.url}${boardPath}`, queue: engine.description, password: admin.source }, 'ready');
}
