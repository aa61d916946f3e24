import { jobIdOf, lanePriority, type QueueName, queueFor } from '@tidings/contracts';
import type { QueueEntry } from '@tidings/db';
import type { QueueEngine } from './engine.ts';

/**
 * Adds a job for each message: the one way into the queue, for the API, the relay and the reconciler alike.
 * An id that the queue still holds is left as it is, so adding twice does no harm. Not atomic: when it
 * rejects, some may have been added.
 */
export async function addJobs(engine: QueueEngine, entries: QueueEntry[]): Promise<void> {
  const byQueue = Map.groupBy(entries, ({ channel, lane }) => queueFor(channel, lane));
  await Promise.all(
    [...byQueue].map(async ([name, theirs]: [QueueName, QueueEntry[]]) => {
      const jobs = theirs.map(jobOf);
      // On Postgres a bulk has a fixed cost of several milliseconds: it makes temporary tables.
      if (jobs.length > 1) await engine.queue(name).addBulk(jobs);
      else
        for (const { name: channel, data, opts } of jobs) await engine.queue(name).add(channel, data, opts);
    }),
  );
}

function jobOf({ id, generation, channel, lane, delayMs }: QueueEntry) {
  return {
    name: channel,
    data: { v: 1 as const, id },
    opts: {
      jobId: jobIdOf(id, generation),
      priority: lanePriority[lane],
      ...(delayMs > 0 && { delay: Math.ceil(delayMs) }),
    },
  };
}
