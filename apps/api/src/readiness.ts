import type { Store } from '@tidings/db';
import type { QueueEngine } from '@tidings/queue';
import { withDeadline } from '@tidings/runtime';

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
  return async () => {
    const [database, queue] = await Promise.all([
      answers(store.readSequence('queue')),
      engine === undefined ? 'not connected: messages wait in SQL for the workers' : answers(engine.ping()),
    ]);
    const checks = { database, queue };
    if (database !== 'ok') return { status: 'error', checks };
    return { status: queue === 'ok' ? 'ok' : 'degraded', checks };
  };
}

async function answers(check: Promise<unknown>): Promise<string> {
  let fault = 'no answer';
  const done = check.then(
    () => {
      fault = 'ok';
    },
    (error) => {
      fault = error instanceof Error ? error.name : 'fails';
    },
  );
  await withDeadline(done, 2500);
  return fault;
}
