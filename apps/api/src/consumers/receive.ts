import { setTimeout as delay } from 'node:timers/promises';
import { receiveCopies } from '@tidings/contracts';
import { mutation } from '../operations.ts';
import type { FindConsumer } from './find-consumer.ts';
import type { TakeCopies } from './take.ts';
import type { Takers } from './takers.ts';

/** A look costs the queue one command; nobody waits longer for what has just come. */
const lookAgainMs = 100;

/**
 * `consumers.receive`. Waits for the first copies rather than for as many as were asked for. A client that hung up
 * takes none with it, and one that is answered by a process about to end gets an empty list.
 */
export const receive = (parts: { findConsumer: FindConsumer; takeCopies: TakeCopies; takers: Takers }) => {
  const { findConsumer, takeCopies, takers } = parts;
  return mutation(receiveCopies, async ({ name, limit, waitSeconds, leaseSeconds }, context) => {
    const giveUpAt = performance.now() + waitSeconds * 1000;
    const signal = AbortSignal.any([context.signal(), takers.ending]);
    const leaseMs = leaseSeconds * 1000;
    for (;;) {
      const consumer = await findConsumer(context.principal.projectId, name);
      const isOn = consumer.status === 'active' && !signal.aborted;
      const items = isOn ? await takeCopies({ subscriptionId: consumer.id, limit, leaseMs, signal }) : [];
      const leftMs = giveUpAt - performance.now();
      if (items.length > 0 || leftMs <= 0 || signal.aborted) return { items };
      await delay(Math.min(lookAgainMs, leftMs), undefined, { signal }).catch(() => {});
    }
  });
};
