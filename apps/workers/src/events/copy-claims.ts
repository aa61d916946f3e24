import { randomBytes } from 'node:crypto';
import type { ClaimedCopy, RefusedCopy, Store } from '@tidings/db';
import { createGroup, type Group } from '@tidings/runtime';
import { gatherMs } from '../deliver/gather.ts';
import { createRecent } from '../deliver/recent.ts';

/** A copy that is ours to hand over, one that is not, or undefined when there is no such copy. */
export type CopyClaim = ClaimedCopy | RefusedCopy | undefined;

/** Is it ours to hand over? */
export function isClaimedCopy(claim: CopyClaim): claim is ClaimedCopy {
  return claim !== undefined && 'event' in claim;
}

/** Claims the copies of all jobs that start together, whomever they are for, as `createClaims` does for messages. */
export function createCopyClaims(options: {
  store: Pick<Store, 'claimCopies' | 'isOutage'>;
  owner: string;
  leaseMs: number;
}): Group<string, CopyClaim> {
  const { store, owner, leaseMs } = options;
  const unheardOf = createRecent(leaseMs);
  return createGroup<string, CopyClaim>({
    maxItems: 500,
    gatherMs,
    isOutage: store.isOutage,
    run: async (ids) => {
      const token = randomBytes(16).toString('base64url');
      const { claimed, refused } = await store
        .claimCopies({ ids: [...new Set(ids)], token, owner, leaseMs, unheardOf: unheardOf.list() })
        .catch((error) => {
          if (store.isOutage(error)) unheardOf.add(token);
          throw error;
        });
      const byId = new Map<string, CopyClaim>([...refused, ...claimed].map((one) => [one.copy.id, one]));
      return ids.map((id) => {
        const claim = byId.get(id);
        if (isClaimedCopy(claim)) byId.set(id, inHand(claim, leaseMs));
        return claim;
      });
    },
  });
}

/** A copy as the second who asks for it sees it: its lease has just begun. */
function inHand({ copy }: ClaimedCopy, leaseMs: number): RefusedCopy {
  return { copy, now: (copy.leaseUntil ?? 0) - leaseMs };
}
