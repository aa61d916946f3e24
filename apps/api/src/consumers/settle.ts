import { jobIdOf, settleCopies } from '@tidings/contracts';
import type { CopyInHand, CopySettled, CopySettlement, CopyVerdict, Store } from '@tidings/db';
import { longestInQueueMs, type Taker } from '@tidings/queue';
import { fullJitterMs, type Metrics, withDeadline } from '@tidings/runtime';
import type { z } from 'zod';
import { mutation } from '../operations.ts';
import type { FindConsumer } from './find-consumer.ts';
import { inHand } from './in-hand.ts';
import { consumersAtWork } from './take.ts';
import type { Takers } from './takers.ts';
import { tellMs, tellQueue } from './tell-queue.ts';

/** Waits between the tries of a handler. */
const backoff = { baseMs: 1000, capMs: 15 * 60_000 };

type Item = z.output<typeof settleCopies.input>['items'][number];

/** `consumers.settle`. What is not the caller's, or not any more, is `lost`, and nothing more is told of it. */
export const settle = (parts: {
  store: Store;
  findConsumer: FindConsumer;
  takers: Takers;
  metrics: Metrics;
  /** Lets the next of an ordered subscription into its queue; nobody has to, for the relay comes by. */
  onNext: (subscriptionId: string) => Promise<unknown>;
  random?: () => number;
}) => {
  const { store, findConsumer, takers, metrics, onNext, random = Math.random } = parts;
  return mutation(settleCopies, async ({ name, items }, { principal }) => {
    const { id: subscriptionId, settings } = await findConsumer(principal.projectId, name);
    const theirs = await inHand(store, subscriptionId, items);
    const decided = theirs.map(({ item, copy }) => {
      const verdict = verdictOf(item, copy, settings.maxFailures, random);
      return { copy, verdict, settlement: settlementOf(item, verdict) };
    });
    const settled =
      decided.length === 0 ? [] : await store.settleCopies(decided.map(({ settlement }) => settlement));
    const statuses = new Map(settled.map(({ status }, index) => [decided[index]?.copy.id, status]));
    for (const [index, { status }] of settled.entries()) count(metrics, decided[index]?.settlement, status);
    await tellQueue(takers, subscriptionId, (taker) =>
      decided
        .filter(({ copy }) => statuses.get(copy.id) !== 'fenced')
        .map(({ copy, verdict }) => tellOf(taker, copy, verdict)),
    );
    const hasEnded = settled.some(({ status }) => status !== 'retrying' && status !== 'fenced');
    if (settings.ordered && hasEnded) await withDeadline(onNext(subscriptionId), tellMs);
    return {
      items: items.map(({ copyId }) => {
        const status = statuses.get(copyId) ?? 'fenced';
        return { copyId, status: status === 'fenced' ? ('lost' as const) : status };
      }),
    };
  });
};

function verdictOf(
  item: Item,
  { failures }: CopyInHand,
  maxFailures: number,
  random: () => number,
): CopyVerdict {
  if (item.outcome === 'done') return { status: 'delivered' };
  const countsFailure = true;
  if (failures + 1 >= maxFailures) return { status: 'failed', reason: 'attempts_exhausted', countsFailure };
  const delayMs = Math.ceil(fullJitterMs({ failures: failures + 1, ...backoff, random }));
  const park = delayMs > longestInQueueMs;
  return { status: 'retrying', reason: 'handler_failed', countsFailure, delayMs, park };
}

function settlementOf(item: Item, verdict: CopyVerdict): CopySettlement {
  const { copyId, token } = item;
  const made = { copyId, token, worker: consumersAtWork, code: null, verdict };
  return item.outcome === 'done'
    ? { ...made, outcome: 'delivered', reason: null, response: null }
    : { ...made, outcome: 'transient', reason: 'handler_failed', response: item.error ?? null };
}

function count(
  { copyAttempts, copiesEnded }: Metrics,
  settlement: CopySettlement | undefined,
  status: CopySettled['status'],
): void {
  if (settlement === undefined) return;
  copyAttempts.inc({ kind: 'queue', outcome: settlement.outcome });
  if (status !== 'retrying' && status !== 'fenced') copiesEnded.inc({ kind: 'queue', status });
}

/** What has ended or waits in the record needs no job any more. */
function tellOf(taker: Taker, copy: CopyInHand, verdict: CopyVerdict): Promise<void> {
  const jobId = jobIdOf(copy.id, copy.generation);
  return verdict.status === 'retrying' && !verdict.park
    ? taker.putOff(jobId, verdict.delayMs)
    : taker.remove(jobId);
}
