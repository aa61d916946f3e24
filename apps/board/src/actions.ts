import { copyJobData, jobData, queueNames, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { DeliveryJob, DeliveryQueue, QueueEngine } from '@tidings/queue';
import type { Log } from '@tidings/runtime';
import type { ConsumerQueue } from './consumer-queues.ts';

/** A request for one of Bull Board's routes. */
export interface Action {
  /** Lower case, as in Bull Board's table. */
  method: string;
  /** The route as it stands there, `/api/queues/:queueName/pause` for instance. */
  route: string;
  params: Readonly<Record<string, string | undefined>>;
}

/** Does what the record needs before Bull Board acts, or throws when it must not. */
export type Prepare = (action: Action) => Promise<void>;

/** A queue, and how the record is changed of what its jobs are for. */
interface Recorded {
  queue: DeliveryQueue;
  /** What jobs are for; a job with other data than ours is for nothing. */
  idsOf(jobs: DeliveryJob[]): string[];
  /** Takes back what has ended. Answers the ids of those it could. */
  replay(ids: string[]): Promise<string[]>;
  /** Makes due what waits for a later time. Answers the same. */
  hasten(ids: string[]): Promise<string[]>;
}

/** Jobs looked at and messages changed in one step. */
const chunk = 500;

/**
 * The rules of the board. SQL decides what is sent, so retry and promote change the record first and the job
 * only follows. Looking is free, pausing is for operators; whatever else would make, change or destroy a job
 * behind the record's back is refused, and so is every route that is not named here.
 *
 * @throws TidingsError `action_refused`, `not_found`, or `not_replayable` for a message that was sent, is under
 * way, or has no address.
 */
export function createActions(options: {
  engine: QueueEngine;
  store: Store;
  consumerQueues: () => Promise<ConsumerQueue[]>;
  log: Log;
}): Prepare {
  const { engine, store, consumerQueues, log } = options;

  async function retryOne({ params }: Action): Promise<number> {
    const recorded = await recordedOf(params);
    const job = await jobOf(recorded, params);
    const state = await job.getState();
    if (state !== 'failed' && state !== 'completed') {
      throw new TidingsError('not_replayable', {
        detail: `The job is ${state}; only one that ended can be retried`,
      });
    }
    const ids = recorded.idsOf([job]);
    if (ids.length === 0) throw new TidingsError('not_replayable', { detail: 'The job is not one of ours' });
    const replayed = await recorded.replay(ids);
    if (replayed.length > 0) return 1;
    throw new TidingsError('not_replayable', {
      detail: 'It was sent meanwhile, is under way, or has nothing or nobody to be sent to',
    });
  }

  async function retryAll({ params }: Action): Promise<number> {
    if (params.queueStatus !== 'failed') {
      throw new TidingsError('action_refused', { detail: 'Only failed jobs can be retried all at once' });
    }
    // What is not replayed, since it was sent meanwhile, has its job run all the same: the claim refuses it.
    const recorded = await recordedOf(params);
    return changeAll(recorded, 'failed', recorded.replay);
  }

  async function promoteOne({ params }: Action): Promise<number> {
    const recorded = await recordedOf(params);
    return (await recorded.hasten(recorded.idsOf([await jobOf(recorded, params)]))).length;
  }

  async function promoteAll({ params }: Action): Promise<number> {
    const recorded = await recordedOf(params);
    return changeAll(recorded, 'delayed', recorded.hasten);
  }

  /** Oldest first: what joins meanwhile comes after, and no page is shifted. */
  async function changeAll(
    { queue, idsOf }: Recorded,
    state: 'failed' | 'delayed',
    change: (ids: string[]) => Promise<string[]>,
  ): Promise<number> {
    let changed = 0;
    for (let from = 0; ; from += chunk) {
      const jobs = await queue.getJobs([state], from, from + chunk - 1, true);
      changed += (await change(idsOf(jobs))).length;
      if (jobs.length < chunk) return changed;
    }
  }

  async function recordedOf({ queueName }: Action['params']): Promise<Recorded> {
    const name = queueNames.find((known) => known === queueName);
    if (name !== undefined) {
      return { queue: engine.queue(name), idsOf: idsOfMessages, replay: store.replay, hasten: store.hasten };
    }
    const consumer = (await consumerQueues()).find(({ label }) => label === queueName);
    if (consumer === undefined) throw new TidingsError('not_found', { detail: 'There is no such queue' });
    return {
      queue: engine.queue(consumer.name),
      idsOf: idsOfCopies,
      replay: (ids) => store.resendCopies(consumer.projectId, ids),
      hasten: store.hastenCopies,
    };
  }

  async function jobOf({ queue }: Recorded, { jobId = '' }: Action['params']): Promise<DeliveryJob> {
    const job = await queue.getJob(jobId);
    if (job === undefined) throw new TidingsError('not_found', { detail: 'There is no such job' });
    return job;
  }

  const allowed: Readonly<Record<string, (action: Action) => Promise<number | undefined>>> = {
    'put /api/queues/:queueName/:jobId/retry': retryOne,
    'put /api/queues/:queueName/retry/:queueStatus': retryAll,
    'put /api/queues/:queueName/:jobId/promote': promoteOne,
    'put /api/queues/:queueName/promote': promoteAll,
    'put /api/queues/:queueName/pause': justDoIt,
    'put /api/queues/:queueName/resume': justDoIt,
    'put /api/queues/pause': justDoIt,
    'put /api/queues/resume': justDoIt,
  };

  return async (action) => {
    const { method, route, params } = action;
    if (method === 'get') return;
    const name = `${method} ${route}`;
    const prepare = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (prepare === undefined) {
      throw new TidingsError('action_refused', {
        detail: 'Jobs follow the record: they can be retried, promoted and paused here, nothing else',
      });
    }
    const changed = await prepare(action);
    log.info(
      { route: name, queue: params.queueName, job: params.jobId, changed },
      'an operator acts on the board',
    );
  };
}

async function justDoIt(): Promise<undefined> {}

function idsOfMessages(jobs: DeliveryJob[]): string[] {
  return jobs.flatMap(({ data }) => jobData.safeParse(data).data?.id ?? []);
}

function idsOfCopies(jobs: DeliveryJob[]): string[] {
  return jobs.flatMap(({ data }) => copyJobData.safeParse(data).data?.id ?? []);
}
