import { extendLeases, jobIdOf } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { afterLeaseMs } from '@tidings/queue';
import { toIso } from '../iso.ts';
import { mutation } from '../operations.ts';
import type { FindConsumer } from './find-consumer.ts';
import { inHand } from './in-hand.ts';
import type { Takers } from './takers.ts';
import { tellQueue } from './tell-queue.ts';

/** `consumers.extend`. A lease that ran out and was given to nobody else goes on. */
export const extend = (parts: { store: Store; findConsumer: FindConsumer; takers: Takers }) => {
  const { store, findConsumer, takers } = parts;
  return mutation(extendLeases, async ({ name, items, leaseSeconds }, { principal }) => {
    const { id: subscriptionId } = await findConsumer(principal.projectId, name);
    const leaseMs = leaseSeconds * 1000;
    const until = Date.now() + leaseMs;
    const theirs = await inHand(store, subscriptionId, items);
    const leases = theirs.map(({ item: { copyId, token } }) => ({ id: copyId, token }));
    const kept = leases.length === 0 ? [] : await store.renewCopyLeases({ leases, leaseMs });
    await tellQueue(takers, subscriptionId, (taker) =>
      theirs
        .filter(({ copy }) => kept.includes(copy.id))
        .map(({ copy }) => taker.putOff(jobIdOf(copy.id, copy.generation), leaseMs + afterLeaseMs)),
    );
    return { kept, leaseUntil: toIso(until) };
  });
};
