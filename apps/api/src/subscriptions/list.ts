import { listSubscriptions } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewSubscription } from './view.ts';

/** `subscriptions.list`. */
export const list = (store: Store) =>
  query(listSubscriptions, async (_, { principal }) => ({
    items: (await store.listSubscriptions(principal.projectId)).map(viewSubscription),
  }));
