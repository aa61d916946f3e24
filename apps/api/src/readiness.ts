import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { runChecks } from '@tidings/runtime';

/** `degraded`: accepts are safe, deliveries wait. `error`: nothing can be accepted. */
export interface ReadyState {
  status: 'ok' | 'degraded' | 'error';
  checks: Record<string, string>;
}

export type Readiness = () => Promise<ReadyState>;

/**
 * Looks at the record and the queue. A queue that is away makes the API `degraded`, not unready: what it
 * accepts is on disk.
 */
export function createReadiness(options: { store: Store; engine?: QueueEngine }): Readiness {
  const { store, engine } = options;
  const checks = {
    database: () => store.readSequence('queue'),
    ...(engine !== undefined && { queue: engine.ping }),
  };
  return async () => {
    const { database = '', queue = 'not connected: messages wait in SQL for the workers' } =
      await runChecks(checks);
    if (database !== 'ok') return { status: 'error', checks: { database, queue } };
    return { status: queue === 'ok' ? 'ok' : 'degraded', checks: { database, queue } };
  };
}
