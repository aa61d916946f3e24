import { bootstrap, createApi } from '@tidings/api';
import type { Store } from '@tidings/db';
import { openSharedFoundation } from '@tidings/queue';
import { createMetrics, type HttpServer, parseConfig, serveHttp, silentLog } from '@tidings/runtime';
import { answerCommands } from '../harness/commands.ts';
import { createProfiler } from '../harness/profiler.ts';
import { insertBare } from './bare-inserts.ts';
import { subscribe } from './consumers.ts';
import { createBareApp, createNoOpApp } from './no-op.ts';

// The API as it is, and beside it in the same process what it is measured against, each on a port of its own.
const log = silentLog();
let dataDir = '';
let projectId = '';
let store: Store;

const commands = {
  ...createProfiler(),
  open: async (env: Record<string, string>) => {
    const config = parseConfig({ ...env, PORT: '0' });
    const metrics = createMetrics();
    const foundation = await openSharedFoundation({ config, log });
    ({ store } = foundation);
    const { engine } = foundation;
    const { key } = await bootstrap({ store, dataDir: config.DATA_DIR });
    dataDir = config.DATA_DIR;
    projectId = (await store.findApiKey(key.split('_')[1] ?? ''))?.projectId ?? '';
    const api = createApi({ store, engine, config, log, metrics });
    const serve = (fetch: (request: Request) => Promise<Response>) =>
      serveHttp({ fetch, host: config.HOST, port: 0 });
    return {
      apiKey: key,
      ports: {
        product: portOf(await api.start()),
        noOp: portOf(await serve(createNoOpApp({ store, log, metrics }))),
        bare: portOf(await serve(createBareApp())),
      },
    };
  },
  subscribe: (count: number) => subscribe(store, projectId, count),
  insertBare: (count: number) => insertBare({ dataDir, projectId, count }),
};
export type ApiCommands = typeof commands;

function portOf(server: HttpServer): number {
  return Number(new URL(server.url).port);
}

answerCommands(commands);
