import {
  type Accept,
  createAccept,
  createAdmission,
  createPlanner,
  createTemplateCache,
} from '@tidings/accept';
import type { Store } from '@tidings/db';
import { createFastPath, type QueueEngine } from '@tidings/queue';
import type { Config, Log, Metrics } from '@tidings/runtime';
import { createSchemas, createTemplateEngine } from '@tidings/templates';

/** Accepts notifications in this process as the API does in its own. */
export interface Accepting {
  accept: Accept;
  /** To be called once nothing is accepted any more. */
  stop(): Promise<void>;
}

/** What accepting needs to know of the environment. */
export type AcceptingConfig = Pick<Config, 'DATA_DIR' | 'MAX_BACKLOG' | 'MIN_FREE_DISK_MB'>;

/** Begins with the first notification: workers without rules look neither at the window nor at the disk. */
export function createAccepting(options: {
  store: Store;
  engine: QueueEngine;
  config: AcceptingConfig;
  log: Log;
  metrics: Metrics;
}): Accepting {
  let opened: Accepting | undefined;
  return {
    accept: (projectId, input) => {
      opened ??= open(options);
      return opened.accept(projectId, input);
    },
    stop: async () => {
      await opened?.stop();
      opened = undefined;
    },
  };
}

function open(options: Parameters<typeof createAccepting>[0]): Accepting {
  const { store, engine, config, log, metrics } = options;
  const fastPath = createFastPath({ store, engine, log });
  const admission = createAdmission({ store, config, log });
  const { find: findTemplate } = createTemplateCache({ store, schemas: createSchemas() });
  const makePlan = createPlanner({ store, findTemplate, templates: createTemplateEngine(), fastPath });
  return {
    accept: createAccept({ store, makePlan, fastPath, admission, metrics }),
    stop: async () => {
      await Promise.all([fastPath.stop(), admission.stop()]);
    },
  };
}
