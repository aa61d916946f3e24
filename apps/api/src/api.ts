import { createAccept, createAdmission, createPlanner, createTemplateCache } from '@tidings/accept';
import type { Store } from '@tidings/db';
import { createCopiesCarrier, createFastPath, noFastPath, type QueueEngine } from '@tidings/queue';
import {
  type Config,
  findSeal,
  type HttpServer,
  instanceProviders,
  keysFrom,
  type Log,
  type Metrics,
  serveHttp,
} from '@tidings/runtime';
import { createMjmlThread, createSchemas, createTemplateEngine } from '@tidings/templates';
import { createApp, type Fetch } from './app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { findJwtSecrets } from './auth/jwt-secrets.ts';
import { createKeyUses } from './auth/key-uses.ts';
import { createLoginLimit, createPasswordLimit } from './auth/login-limit.ts';
import { createPasswords } from './auth/passwords.ts';
import { createSessions } from './auth/sessions.ts';
import { createTokens } from './auth/tokens.ts';
import { createTakers } from './consumers/takers.ts';
import { createDeclaredTypes } from './event-types/declared.ts';
import { createAcceptEvent } from './events/accept-events.ts';
import { createFindEventSource } from './feedback/event-source.ts';
import { createReceiveProviderEvents } from './feedback/provider-events.ts';
import { createRecordFeedback } from './feedback/record-feedback.ts';
import type { Limiters } from './limiters.ts';
import { createForesee } from './notifications/foresee.ts';
import { createRoutesAhead } from './notifications/routes-ahead.ts';
import { createRateLimit } from './rate-limit.ts';
import { createReadiness } from './readiness.ts';
import { createRouter } from './router.ts';
import { createUnsubscribe } from './unsubscribe/unsubscribe.ts';

/** The API as a part that can be started and stopped. */
export interface Api {
  fetch: Fetch;
  /** Opens the port. */
  start(): Promise<HttpServer>;
  /** Lets running requests finish and stops. */
  stop(): Promise<void>;
}

type ApiConfig = Pick<
  Config,
  | 'NODE_ENV'
  | 'HOST'
  | 'PORT'
  | 'TRUST_PROXY'
  | 'API_RATE_LIMIT'
  | 'DATA_DIR'
  | 'MAX_BACKLOG'
  | 'MIN_FREE_DISK_MB'
  | 'JWT_SECRET'
  | 'JWT_SECRET_PREVIOUS'
  | 'ENCRYPTION_KEY'
  | 'ENCRYPTION_KEY_PREVIOUS'
  | 'CORS_ORIGINS'
  | 'PROVIDER_EVENTS_SECRET'
  | 'SENDGRID_WEBHOOK_PUBLIC_KEY'
  | 'ONESIGNAL_WEBHOOK_SECRET'
> &
  Parameters<typeof instanceProviders>[0];

/** Puts the API together. Without an engine it accepts into SQL and leaves the queue to the workers. */
export function createApi(options: {
  store: Store;
  engine?: QueueEngine;
  config: ApiConfig;
  log: Log;
  metrics: Metrics;
  /** Where requests and wrong logins are counted; without it, in this process. */
  limiters?: Limiters;
  /** How long credentials that were good are believed, in milliseconds. */
  authCacheMs?: number;
  /** What else of this process is not as it should be, for `/ready`. */
  faults?: () => Record<string, string>;
  /** Do the workers run in this process, with the same environment? */
  runsWorkers?: boolean;
}): Api {
  const { store, engine, config, log, metrics, limiters, authCacheMs, faults, runsWorkers = false } = options;
  const fastPath = engine === undefined ? noFastPath : createFastPath({ store, engine, log });
  const engineOfTemplates = createTemplateEngine();
  const schemas = createSchemas();
  const templates = createTemplateCache({ store, schemas });
  const mjml = createMjmlThread();
  const planning = { store, findTemplate: templates.find, templates: engineOfTemplates };
  const makePlan = createPlanner({ ...planning, fastPath });
  const admission = createAdmission({ store, config, log });
  const accept = createAccept({ store, makePlan, fastPath, admission, metrics });
  const eventSchemas = createSchemas({ of: 'type of event' });
  const declared = createDeclaredTypes({ store, schemas: eventSchemas });
  const secrets = findJwtSecrets(config);
  const tokens = createTokens({ secrets });
  const logins = {
    sessions: createSessions({ store, tokens }),
    passwords: createPasswords(),
    limit: createLoginLimit({ limiters, hashKey: keysFrom(secrets, 'login limit')[0] }),
    passwordLimit: createPasswordLimit({ limiters }),
    refreshKeys: keysFrom(secrets, 'refresh'),
  };
  const keyUses = createKeyUses({ store });
  const recordFeedback = createRecordFeedback({ store, metrics });
  const seal = findSeal(config);
  const takers = createTakers({ engine });
  const carrier = engine === undefined ? undefined : createCopiesCarrier({ store, engine, log });
  const { fetch } = createApp({
    router: createRouter({
      store,
      accept,
      makePlan: createPlanner({ ...planning, fastPath: noFastPath }),
      foresee: createForesee({
        store,
        engine: engineOfTemplates,
        routes: createRoutesAhead({ store, instance: instanceProviders(config), runsWorkers }),
      }),
      tokens,
      templates,
      acceptEvent: createAcceptEvent({ store, declared, admission, metrics }),
      declared,
      eventSchemas,
      tools: { engine: engineOfTemplates, schemas, runMjml: mjml.run },
      log,
      metrics,
      logins,
      seal,
      recordFeedback,
      takers,
      onNext: async (subscriptionId) => carrier?.enter(subscriptionId, 1),
    }),
    authenticate: createAuthenticate({ store, tokens, keyUses, cacheMs: authCacheMs }),
    limitRate: createRateLimit({ perSecond: config.API_RATE_LIMIT, limiters }),
    receiveEvents: createReceiveProviderEvents({
      findSource: createFindEventSource({ store, seal, config }),
      recordFeedback,
      metrics,
    }),
    readiness: createReadiness({ store, engine, admission, faults }),
    unsubscribe: createUnsubscribe(store),
    corsOrigins: config.CORS_ORIGINS,
    log,
    metrics,
    isOutage: store.isOutage,
    trustProxy: config.TRUST_PROXY,
    assumeHttps: config.NODE_ENV === 'production' && config.TRUST_PROXY > 0,
  });
  let server: HttpServer | undefined;
  return {
    fetch,
    start: async () => {
      server = await serveHttp({ fetch, host: config.HOST, port: config.PORT });
      return server;
    },
    stop: async () => {
      // First, so that nobody waits for copies while the server waits for everybody.
      await takers.stop();
      await server?.stop();
      await Promise.all([fastPath.stop(), admission.stop(), keyUses.stop(), mjml.stop()]);
    },
  };
}
