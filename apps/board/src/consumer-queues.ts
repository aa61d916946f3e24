import { type ConsumerQueueName, queueOfSubscription } from '@tidings/contracts';
import type { Store } from '@tidings/db';

/** The queue of a consumer, as operators see it. */
export interface ConsumerQueue {
  name: ConsumerQueueName;
  /** Project and name of its subscription: what the board calls it, in addresses too. */
  label: string;
  /** The same with its kind. */
  title: string;
  projectId: string;
}

/** How many are shown at most: the page asks every few seconds for all of them. */
const mostShown = 500;

/** The queues of all consumers that there are. What it answers is `freshMs` old at most. */
export function createConsumerQueues(options: {
  store: Pick<Store, 'allSubscriptions'>;
  freshMs?: number;
}): () => Promise<ConsumerQueue[]> {
  const { store, freshMs = 2000 } = options;
  let known: Promise<ConsumerQueue[]> | undefined;
  let askedAt = 0;

  async function read(): Promise<ConsumerQueue[]> {
    const subscriptions = await store.allSubscriptions(mostShown);
    return subscriptions.map(({ id, projectId, projectKey, name, kind }) => ({
      name: queueOfSubscription(id),
      label: `${projectKey}.${name}`,
      title: `${projectKey}/${name} (${kind})`,
      projectId,
    }));
  }

  return () => {
    if (known !== undefined && performance.now() - askedAt < freshMs) return known;
    askedAt = performance.now();
    const asked = read();
    known = asked;
    // What could not be read is asked for again.
    asked.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked;
  };
}
