import { getSubscription, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewSubscription } from './view.ts';

/** `subscriptions.get`. */
export const get = (store: Store) =>
  query(getSubscription, async ({ id }, { principal }) => {
    const found = await store.getSubscription(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return { ...viewSubscription(found), ...(await store.copyCounts(id)) };
  });
