import { randomBytes } from 'node:crypto';
import type { Claimed, Refused, Store } from '@tidings/db';
import { createGroup, type Group } from '@tidings/runtime';

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
 */
export function createClaims(options: {
  store: Store;
  owner: string;
  leaseMs: number;
}): Group<string, Claim> {
  const { store, owner, leaseMs } = options;
  return createGroup<string, Claim>({
    maxItems: 500,
    isOutage: store.isOutage,
    run: async (ids) => {
      const token = randomBytes(16).toString('base64url');
      const { claimed, refused } = await store.claim({ ids: [...new Set(ids)], token, owner, leaseMs });
      const byId = new Map<string, Claim>([...refused, ...claimed].map((one) => [one.message.id, one]));
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
