import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import {
  type Config,
  createHealthApp,
  type FetchHandler,
  type HttpServer,
  type Log,
  type Metrics,
  serveHttp,
} from '@tidings/runtime';
import { createActions } from './actions.ts';
import type { Admin } from './admin.ts';
import { createApp } from './app.ts';
import { createBullBoardApp } from './bull-board.ts';
import { createConsumerQueues } from './consumer-queues.ts';
import { createLogin } from './login.ts';

/** The board as a part that can be mounted, or started on a port of its own. */
export interface Board {
  /** Everything at and below `/board`, behind the login. */
  fetch: FetchHandler;
  /** Opens the board's own port, with health and metrics beside it. */
  start(): Promise<HttpServer>;
  /** Lets running requests finish and closes the port. */
  stop(): Promise<void>;
}

/** Puts the board together. It opens its queues on the engine and closes neither engine nor store. */
export function createBoard(options: {
  engine: QueueEngine;
  store: Store;
  admin: Admin;
  config: Pick<Config, 'HOST' | 'BOARD_PORT' | 'BOARD_READ_ONLY'>;
  log: Log;
  metrics: Metrics;
}): Board {
  const { engine, store, admin, config, log, metrics } = options;
  const readOnly = config.BOARD_READ_ONLY;
  const consumerQueues = createConsumerQueues({ store });
  const prepare = createActions({ engine, store, consumerQueues, log });
  const { fetch } = createApp({
    bullBoard: createBullBoardApp({ engine, prepare, consumerQueues, readOnly, log }),
    login: createLogin({ admin }),
    engine,
    store,
    readOnly,
    log,
    metrics,
  });
  let server: HttpServer | undefined;
  return {
    fetch,
    start: async () => {
      // The only paths of its port that need no login.
      const checks = { database: () => store.readSequence('queue'), queue: engine.ping };
      const app = createHealthApp({ checks, metrics, rest: fetch });
      server = await serveHttp({ fetch: app.fetch, host: config.HOST, port: config.BOARD_PORT });
      return server;
    },
    stop: async () => {
      await server?.stop();
    },
  };
}
