import type { Admission } from '@tidings/accept';
import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { runChecks } from '@tidings/runtime';

/** `degraded`: what was accepted is safe, but it waits, or no more is accepted. `error`: nothing can be stored. */
export interface ReadyState {
  status: 'ok' | 'degraded' | 'error';
  checks: Record<string, string>;
}

export type Readiness = () => Promise<ReadyState>;

/**
 * Looks at the record, the queue and, all in one, the providers. A queue that is away makes the API `degraded`, not unready: what it
 * accepts is on disk.
 */
export function createReadiness(options: {
  store: Store;
  engine?: QueueEngine;
  admission: Pick<Admission, 'fault'>;
  /** What else of this process is not as it should be, by its name. */
  faults?: () => Record<string, string>;
}): Readiness {
  const { store, engine, admission, faults = () => ({}) } = options;
  const checks = {
    database: () => store.readSequence('queue'),
    ...(engine !== undefined && { queue: engine.ping }),
  };
  return async () => {
    const { database = '', queue = 'not connected: messages wait in SQL for the workers' } =
      await runChecks(checks);
    const room = admission.fault ?? 'ok';
    const others = faults();
    const found = { database, queue, room, ...others };
    if (database !== 'ok') return { status: 'error', checks: found };
    const isWell = queue === 'ok' && room === 'ok' && Object.keys(others).length === 0;
    return { status: isWell ? 'ok' : 'degraded', checks: found };
  };
}
