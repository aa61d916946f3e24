import { randomBytes } from 'node:crypto';
import type { ReceivedCopy } from '@tidings/contracts';
import type { ClaimedCopy, RefusedCopy, Store } from '@tidings/db';
import { deliveredEventOf } from '@tidings/events';
import { afterLeaseMs, handleRefusedCopy, type TakenJob } from '@tidings/queue';
import { withDeadline } from '@tidings/runtime';
import { toIso } from '../iso.ts';
import { queueUnavailable, type Takers } from './takers.ts';
import { tellMs } from './tell-queue.ts';

/** Who holds the leases of copies that programs of the user's have in hand, and made the attempts. */
export const consumersAtWork = 'consumer';

/** Until what could not be claimed is looked at again. */
const againMs = 1000;

/**
 * Takes what is due of a consumer's queue, at most `limit` copies, and claims them in one commit. The job of a copy in
 * hand waits for the end of the lease: should nobody settle it by then, it is handed out again.
 *
 * @throws TidingsError `queue_unavailable`, within about two seconds.
 */
export type TakeCopies = (options: {
  subscriptionId: string;
  limit: number;
  leaseMs: number;
  /** Ends when nobody waits for the answer any more: then nothing is claimed. */
  signal: AbortSignal;
}) => Promise<ReceivedCopy[]>;

export function createTakeCopies(options: { store: Store; takers: Takers }): TakeCopies {
  const { store, takers } = options;

  return async ({ subscriptionId, limit, leaseMs, signal }) => {
    const jobs = await takers
      .of(subscriptionId)
      .take(limit)
      .catch((error) => {
        throw queueUnavailable(error);
      });
    if (jobs.length === 0) return [];
    if (signal.aborted) {
      await putBack(jobs, 0);
      return [];
    }
    const token = randomBytes(16).toString('base64url');
    const ids = [...new Set(jobs.map(({ job }) => job.data.id))];
    const { claimed, refused } = await store
      .claimCopies({ ids, token, owner: consumersAtWork, leaseMs })
      .catch(async (error) => {
        await putBack(jobs, againMs);
        throw error;
      });
    const claims = new Map(claimed.map((one) => [one.copy.id, one]));
    const refusals = new Map(refused.map((one) => [one.copy.id, one]));
    await inTime(
      jobs.map((taken) =>
        claims.has(taken.job.data.id)
          ? delayed(taken, leaseMs + afterLeaseMs)
          : afterRefusal(store, taken, refusals.get(taken.job.data.id)),
      ),
    );
    return ids.flatMap((id) => claims.get(id) ?? []).map(viewOf);
  };
}

function viewOf({ copy, event }: ClaimedCopy): ReceivedCopy {
  return {
    copyId: copy.id,
    token: copy.leaseToken ?? '',
    attempt: copy.attempt,
    leaseUntil: toIso(copy.leaseUntil ?? 0),
    event: deliveredEventOf(event),
  };
}

async function afterRefusal(
  store: Store,
  taken: TakenJob,
  refused: RefusedCopy | undefined,
): Promise<unknown> {
  const next = await handleRefusedCopy(store, refused);
  return next.kind === 'done' ? ended(taken) : delayed(taken, next.ms);
}

function putBack(jobs: TakenJob[], ms: number): Promise<void> {
  return inTime(jobs.map((taken) => delayed(taken, ms)));
}

function delayed({ job, token }: TakenJob, ms: number): Promise<void> {
  return job.moveToDelayed(Date.now() + ms, token);
}

function ended({ job, token }: TakenJob): Promise<unknown> {
  return job.moveToCompleted(undefined, token, false);
}

/** A job that could not be moved comes back when BullMQ finds that nobody holds it. */
async function inTime(moves: Array<Promise<unknown>>): Promise<void> {
  await withDeadline(Promise.allSettled(moves), tellMs);
}
