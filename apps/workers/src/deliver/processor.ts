import { randomBytes } from 'node:crypto';
import { jobData, type QueueName } from '@tidings/contracts';
import type { Claimed, Decide, Settled, Settlement, Store } from '@tidings/db';
import type { DeliveryJob } from '@tidings/queue';
import { createGroup, type Log, type Metrics, newId } from '@tidings/runtime';
import { DelayedError, UnrecoverableError } from 'bullmq';
import type { ProviderResult, RenderedEmail, RenderedPush } from '../providers/provider.ts';
import type { Leg } from '../routes/leg.ts';
import type { Routes } from '../routes/routes.ts';
import type { RetryPolicy } from './backoff.ts';
import { createClaims, isClaimed } from './claims.ts';
import { gatherMs } from './gather.ts';
import type { LeaseKeeper } from './leases.ts';
import { handleRefused } from './refused.ts';
import type { Render } from './render.ts';
import { RetryLater } from './retry-later.ts';
import { settleSurely } from './settle-surely.ts';
import { verdictOn } from './verdict.ts';

/** What one queue's processor works with. */
export interface ProcessorOptions {
  store: Store;
  queue: QueueName;
  routes: Routes;
  render: Render;
  leases: LeaseKeeper;
  /** Answers what decides whether claimed messages go out. */
  deciding: () => Promise<Decide>;
  policy: RetryPolicy;
  /** Who holds the leases: the name of this process. */
  owner: string;
  leaseMs: number;
  log: Log;
  metrics: Metrics;
  random?: () => number;
}

/** How an attempt went, and at whom; nobody where it did not come to that. */
interface Attempted {
  result: ProviderResult;
  leg?: Leg;
}

/**
 * The way of one message, from its job to its outcome: claim, render, send, record, and only then tell the
 * queue. Throwing is how BullMQ is told that the job must come back.
 */
export function createProcessor(options: ProcessorOptions) {
  const { store, queue, routes, render, leases, policy, owner, leaseMs, log, metrics } = options;
  const { random = Math.random, deciding } = options;

  const claim = createClaims({ store, owner, leaseMs, deciding, metrics });
  const settle = createGroup<Settlement, Settled>({
    maxItems: 500,
    gatherMs,
    isOutage: store.isOutage,
    run: (settlements) => store.settle(settlements),
  });

  async function attempt(claimed: Claimed): Promise<Attempted> {
    const { message } = claimed;
    if (!routes.reaches(message)) return { result: { outcome: 'rejected', reason: 'no_provider' } };
    const content = await render(claimed);
    if ('outcome' in content) return { result: content };
    // The last that is asked before it is sent: a provider may have become unwell since the claim.
    const leg = routes.take(message);
    if (leg === undefined) return { result: { outcome: 'held', reason: 'provider_unavailable' } };
    return { result: await sendBy(leg, claimed, content), leg };
  }

  function sendBy(
    leg: Leg,
    { message, notification, keys }: Claimed,
    content: RenderedEmail | RenderedPush,
  ): Promise<ProviderResult> {
    const sending = leg.send(queue, {
      messageId: message.id,
      address: message.address ?? '',
      platform: message.platform,
      keys,
      lane: message.lane,
      failures: message.failures,
      expiresAt: message.expiresAt,
      toName: notification.toName,
      date: message.firstClaimedAt ?? message.createdAt,
      content,
    });
    return sending.catch((err): ProviderResult => {
      log.error({ err, messageId: message.id, provider: leg.id }, 'a provider threw, which is a bug');
      return { outcome: 'ambiguous', response: err instanceof Error ? err.message : String(err) };
    });
  }

  async function deliver(claimed: Claimed): Promise<void> {
    const { message } = claimed;
    const token = message.leaseToken ?? '';
    await leases.during({ id: message.id, token }, async () => {
      const { result, leg } = await attempt(claimed);
      const verdict = verdictOn(
        asked(result, leg, message),
        message,
        policy,
        random,
        heldMs(result, message),
      );
      const { status } = await settleSurely(settle, log, {
        messageId: message.id,
        token,
        attempt: message.attempt,
        generation: message.generation,
        worker: owner,
        outcome: result.outcome,
        reason: result.reason ?? null,
        provider: leg?.name ?? null,
        providerMessageId: result.providerMessageId ?? null,
        code: result.code ?? null,
        response: result.response ?? null,
        verdict,
        ...(verdict.status === 'bounced' && {
          suppressing: {
            newKey: randomBytes(32).toString('hex'),
            newId: () => newId('suppression'),
          },
        }),
      });
      metrics.attempts.inc({ channel: message.channel, outcome: result.outcome });
      if (status === 'failed' || status === 'bounced' || status === 'unknown') {
        metrics.ended.inc({ channel: message.channel, status });
        throw new UnrecoverableError(`${status}: ${result.reason ?? result.outcome}`);
      }
      if (status !== 'retrying' || verdict.status !== 'retrying') {
        if (status !== 'fenced') metrics.ended.inc({ channel: message.channel, status });
        return;
      }
      if (!verdict.park) throw new RetryLater(verdict.delayMs, verdict.reason);
    });
  }

  /** What one provider asks for is nothing to the next, if that is another. */
  function asked(result: ProviderResult, leg: Leg | undefined, message: Claimed['message']): ProviderResult {
    if (result.retryAfterMs === undefined) return result;
    const next = routes.next({ ...message, failures: message.failures + 1 });
    return next === undefined || next === leg ? result : { ...result, retryAfterMs: undefined };
  }

  /** By then the health of who turned it away is known to be what it is. */
  function heldMs({ outcome }: ProviderResult, message: Claimed['message']): number {
    if (outcome !== 'held' || routes.next(message) !== undefined) return 0;
    return routes.waitFor(message)?.ms ?? 0;
  }

  return async (job: DeliveryJob, token: string | undefined): Promise<void> => {
    const parsed = jobData.safeParse(job.data);
    if (!parsed.success) {
      metrics.malformedJobs.inc({ queue });
      throw new UnrecoverableError('the job is not one of ours');
    }
    const found = await claim(parsed.data.id);
    if (isClaimed(found)) return deliver(found);
    const next = await handleRefused(store, found);
    if (next.kind === 'done') return;
    await job.moveToDelayed(Date.now() + next.ms, token);
    throw new DelayedError();
  };
}
