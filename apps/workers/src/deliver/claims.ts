import { randomBytes } from 'node:crypto';
import { hasEnded } from '@tidings/contracts';
import type { Claimed, Decide, Refused, Store } from '@tidings/db';
import { createGroup, type Group, type Metrics } from '@tidings/runtime';
import { gatherMs } from './gather.ts';
import { createRecent } from './recent.ts';

/** A message that is ours to send, one that is not, or undefined when there is no such message. */
export type Claim = Claimed | Refused | undefined;

/** Is it ours to send? */
export function isClaimed(claim: Claim): claim is Claimed {
  return claim !== undefined && 'notification' in claim;
}

/**
 * Claims the messages of all jobs that start together in one statement, under one fresh token. A message may
 * have more than one job (an older copy of the queue, two reconcilers): the first gets it, the others are
 * refused as they would be a moment later.
 *
 * A claim whose answer was lost with the database may be in force: the next one for its messages takes them
 * over at once, rather than wait for a lease that nobody uses.
 */
export function createClaims(options: {
  store: Store;
  owner: string;
  leaseMs: number;
  /** Answers what decides about this claim. */
  deciding: () => Promise<Decide>;
  metrics: Pick<Metrics, 'ended'>;
}): Group<string, Claim> {
  const { store, owner, leaseMs, deciding, metrics } = options;
  const unheardOf = createRecent(leaseMs);
  return createGroup<string, Claim>({
    maxItems: 500,
    gatherMs,
    isOutage: store.isOutage,
    run: async (ids) => {
      const decide = await deciding();
      const token = randomBytes(16).toString('base64url');
      const { claimed, aside, refused } = await store
        .claim({ ids: [...new Set(ids)], token, owner, leaseMs, unheardOf: unheardOf.list(), decide })
        .catch((error) => {
          if (store.isOutage(error)) unheardOf.add(token);
          throw error;
        });
      for (const { message } of aside) {
        const { channel, status } = message;
        if (hasEnded(status)) metrics.ended.inc({ channel, status });
      }
      const byId = new Map<string, Claim>(
        [...refused, ...aside, ...claimed].map((one) => [one.message.id, one]),
      );
      return ids.map((id) => {
        const claim = byId.get(id);
        if (isClaimed(claim)) byId.set(id, inHand(claim, leaseMs));
        return claim;
      });
    },
  });
}

/** A message as the second who asks for it sees it: its lease has just begun. */
function inHand({ message }: Claimed, leaseMs: number): Refused {
  return { message, now: (message.leaseUntil ?? 0) - leaseMs };
}
