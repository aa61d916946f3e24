import type { Store } from '@tidings/db';
import { createFastPath, noFastPath, type QueueEngine } from '@tidings/queue';
import { type Config, type HttpServer, type Log, type Metrics, serveHttp } from '@tidings/runtime';
import { createMjmlThread, createSchemas, createTemplateEngine } from '@tidings/templates';
import { createAccept } from './accept/accept.ts';
import { createAdmission } from './accept/admission.ts';
import { createPlanner } from './accept/plan.ts';
import { createTemplateCache } from './accept/template-cache.ts';
import { createApp, type Fetch } from './app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { createRateLimit } from './rate-limit.ts';
import { createReadiness } from './readiness.ts';
import { createRouter } from './router.ts';

/** The API as a part that can be started and stopped. */
export interface Api {
  fetch: Fetch;
  /** Opens the port. */
  start(): Promise<HttpServer>;
  /** Lets running requests finish and stops. */
  stop(): Promise<void>;
}

/** Puts the API together. Without an engine it accepts into SQL and leaves the queue to the workers. */
export function createApi(options: {
  store: Store;
  engine?: QueueEngine;
  config: Pick<Config, 'HOST' | 'PORT' | 'API_RATE_LIMIT' | 'DATA_DIR' | 'MAX_BACKLOG' | 'MIN_FREE_DISK_MB'>;
  log: Log;
  metrics: Metrics;
}): Api {
  const { store, engine, config, log, metrics } = options;
  const fastPath = engine === undefined ? noFastPath : createFastPath({ store, engine, log });
  const engineOfTemplates = createTemplateEngine();
  const schemas = createSchemas();
  const templates = createTemplateCache({ store, schemas });
  const mjml = createMjmlThread();
  const makePlan = createPlanner({
    store,
    findTemplate: templates.find,
    templates: engineOfTemplates,
    fastPath,
  });
  const admission = createAdmission({ store, config, log });
  const accept = createAccept({ store, makePlan, fastPath, admission, metrics });
  const { fetch } = createApp({
    router: createRouter({
      store,
      accept,
      templates,
      tools: { engine: engineOfTemplates, schemas, runMjml: mjml.run },
      log,
    }),
    authenticate: createAuthenticate({ store }),
    limitRate: createRateLimit({ perSecond: config.API_RATE_LIMIT }),
    readiness: createReadiness({ store, engine, admission }),
    log,
    metrics,
    isOutage: store.isOutage,
  });
  let server: HttpServer | undefined;
  return {
    fetch,
    start: async () => {
      server = await serveHttp({ fetch, host: config.HOST, port: config.PORT });
      return server;
    },
    stop: async () => {
      await server?.stop();
      await Promise.all([fastPath.stop(), admission.stop(), mjml.stop()]);
    },
  };
}
