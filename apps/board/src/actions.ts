import { jobData, queueNames, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { DeliveryJob, DeliveryQueue, QueueEngine } from '@tidings/queue';
import type { Log } from '@tidings/runtime';

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
export function createActions(options: { engine: QueueEngine; store: Store; log: Log }): Prepare {
  const { engine, store, log } = options;

  async function retryOne({ params }: Action): Promise<number> {
    const job = await jobOf(params);
    const state = await job.getState();
    if (state !== 'failed' && state !== 'completed') {
      throw new TidingsError('not_replayable', {
        detail: `The job is ${state}; only one that ended can be retried`,
      });
    }
    const ids = idsOf([job]);
    if (ids.length === 0) throw new TidingsError('not_replayable', { detail: 'The job is not one of ours' });
    const replayed = await store.replay(ids);
    if (replayed.length > 0) return 1;
    throw new TidingsError('not_replayable', {
      detail: 'It was sent meanwhile, is under way, or has no address to be sent to',
    });
  }

  async function retryAll({ params }: Action): Promise<number> {
    if (params.queueStatus !== 'failed') {
      throw new TidingsError('action_refused', { detail: 'Only failed jobs can be retried all at once' });
    }
    // What is not replayed, since it was sent meanwhile, has its job run all the same: the claim refuses it.
    return changeAll(queueOf(params), 'failed', store.replay);
  }

  async function promoteOne({ params }: Action): Promise<number> {
    return (await store.hasten(idsOf([await jobOf(params)]))).length;
  }

  async function promoteAll({ params }: Action): Promise<number> {
    return changeAll(queueOf(params), 'delayed', store.hasten);
  }

  /** Oldest first: what joins meanwhile comes after, and no page is shifted. */
  async function changeAll(
    queue: DeliveryQueue,
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

  function queueOf(params: Action['params']): DeliveryQueue {
    const name = queueNames.find((known) => known === params.queueName);
    if (name === undefined) throw new TidingsError('not_found', { detail: 'There is no such queue' });
    return engine.queue(name);
  }

  async function jobOf(params: Action['params']): Promise<DeliveryJob> {
    const job = await queueOf(params).getJob(params.jobId ?? '');
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
    const messages = await prepare(action);
    log.info(
      { route: name, queue: params.queueName, job: params.jobId, messages },
      'an operator acts on the board',
    );
  };
}

async function justDoIt(): Promise<undefined> {}

/** The messages of jobs; a job with other data than ours has none. */
function idsOf(jobs: DeliveryJob[]): string[] {
  return jobs.flatMap(({ data }) => jobData.safeParse(data).data?.id ?? []);
}
