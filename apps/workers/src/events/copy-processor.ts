import { copyJobData } from '@tidings/contracts';
import type { ClaimedCopy, CopySettled, CopySettlement, Store } from '@tidings/db';
import { type DeliveryJob, handleRefusedCopy } from '@tidings/queue';
import { createGroup, type Log, type Metrics } from '@tidings/runtime';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { gatherMs } from '../deliver/gather.ts';
import type { LeaseKeeper } from '../deliver/leases.ts';
import { RetryLater } from '../deliver/retry-later.ts';
import { settleSurely } from '../deliver/settle-surely.ts';
import { createCopyClaims, isClaimedCopy } from './copy-claims.ts';
import type { CopyResult, CopySender, SentKind } from './copy-sender.ts';
import { copyVerdictOn } from './copy-verdict.ts';

/** Works on one job of a copy. Throwing is how BullMQ is told that the job must come back. */
export type CopyProcessor = (job: DeliveryJob, token: string | undefined) => Promise<void>;

/**
 * The way of one copy, from its job to its outcome: claim, hand over, record, and only then tell the queue. One for
 * the whole process: what begins or ends together is one commit, whichever consumers it is for.
 */
export function createCopyProcessor(options: {
  store: Store;
  senders: Record<SentKind, CopySender>;
  leases: LeaseKeeper;
  /** Who holds the leases: the name of this process. */
  owner: string;
  leaseMs: number;
  log: Log;
  metrics: Metrics;
  /** Is told when the next in order may follow. */
  onNext: (subscriptionId: string) => Promise<unknown>;
}): (kind: SentKind) => CopyProcessor {
  const { store, senders, leases, owner, leaseMs, log, metrics, onNext } = options;
  const claim = createCopyClaims({ store, owner, leaseMs });
  const settle = createGroup<CopySettlement, CopySettled>({
    maxItems: 500,
    gatherMs,
    isOutage: store.isOutage,
    run: (settlements) => store.settleCopies(settlements),
  });

  async function send(sender: CopySender, claimed: ClaimedCopy): Promise<CopyResult> {
    try {
      return await sender.send(claimed);
    } catch (err) {
      log.error({ err, copyId: claimed.copy.id }, 'a sender threw, which is a bug');
      return { outcome: 'transient', reason: 'connection_failed' };
    }
  }

  async function handOver(kind: SentKind, claimed: ClaimedCopy): Promise<void> {
    const { copy, subscription } = claimed;
    const token = copy.leaseToken ?? '';
    await leases.during({ id: copy.id, token }, async () => {
      const sender = senders[kind];
      const result = await send(sender, claimed);
      const verdict = copyVerdictOn(result, claimed, sender.nextDelayMs);
      const { status } = await settleSurely(settle, log, {
        copyId: copy.id,
        token,
        worker: owner,
        outcome: result.outcome,
        reason: 'reason' in result ? result.reason : null,
        code: result.code ?? null,
        response: result.response ?? null,
        verdict,
      });
      metrics.copyAttempts.inc({ kind, outcome: result.outcome });
      if (status === 'fenced') return;
      if (status !== 'retrying') {
        metrics.copiesEnded.inc({ kind, status });
        if (subscription.ordered) await onNext(subscription.id);
      }
      if (status === 'failed') {
        throw new UnrecoverableError(`failed: ${'reason' in verdict ? verdict.reason : result.outcome}`);
      }
      if (status === 'retrying' && verdict.status === 'retrying' && !verdict.park) {
        throw new RetryLater(verdict.delayMs, verdict.reason);
      }
    });
  }

  return (kind) => async (job, token) => {
    const parsed = copyJobData.safeParse(job.data);
    if (!parsed.success) {
      metrics.malformedJobs.inc({ queue: 'consumers' });
      throw new UnrecoverableError('the job is not one of ours');
    }
    const found = await claim(parsed.data.id);
    if (isClaimedCopy(found)) return handOver(kind, found);
    const next = await handleRefusedCopy(store, found);
    if (next.kind === 'done') return;
    await job.moveToDelayed(Date.now() + next.ms, token);
    throw new DelayedError();
  };
}
