import { jobIdOf, queueOfSubscription } from '@tidings/contracts';
import type { CopyEntry } from '@tidings/db';
import type { QueueEngine } from './engine.ts';

/** What jobs of copies are called in the queue: which consumer they are for says the queue itself. */
const jobName = 'copy';

/**
 * Adds a job for each copy to the queues of their consumers, as `addJobs` does for messages. Answers the entries that
 * could not be added, or of which that is not sure, with the error: one queue that fails keeps no other from its jobs.
 */
export async function addCopyJobs(
  engine: QueueEngine,
  entries: CopyEntry[],
): Promise<Array<{ entries: CopyEntry[]; error: unknown }>> {
  const byConsumer = Map.groupBy(entries, ({ subscriptionId }) => subscriptionId);
  const added = await Promise.all(
    [...byConsumer].map(async ([subscriptionId, theirs]) => {
      try {
        await engine.queue(queueOfSubscription(subscriptionId)).addBulk(theirs.map(jobOf));
        return [];
      } catch (error) {
        return [{ entries: theirs, error }];
      }
    }),
  );
  return added.flat();
}

function jobOf({ id, generation, delayMs }: CopyEntry) {
  return {
    name: jobName,
    data: { v: 1 as const, id },
    opts: { jobId: jobIdOf(id, generation), ...(delayMs > 0 && { delay: Math.ceil(delayMs) }) },
  };
}
