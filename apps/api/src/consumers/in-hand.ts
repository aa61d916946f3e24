import type { CopyInHand, Store } from '@tidings/db';

/**
 * Which of these are the caller's: copies of this subscription, under the lease whose token is shown. Of one that is
 * named twice the first counts.
 */
export async function inHand<Item extends { copyId: string; token: string }>(
  store: Store,
  subscriptionId: string,
  items: readonly Item[],
): Promise<Array<{ item: Item; copy: CopyInHand }>> {
  const ids = [...new Set(items.map(({ copyId }) => copyId))];
  const copies = await store.copiesInHand({ subscriptionId, ids });
  const byId = new Map(copies.map((copy) => [copy.id, copy]));
  return items.flatMap((item) => {
    const copy = byId.get(item.copyId);
    if (copy === undefined || copy.token !== item.token) return [];
    byId.delete(item.copyId);
    return [{ item, copy }];
  });
}
