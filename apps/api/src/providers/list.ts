import { listProviders } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewProvider } from './view.ts';

/** `providers.list`. */
export const list = (store: Store) =>
  query(listProviders, async (_, { principal }) => ({
    items: (await store.listProviders(principal.projectId)).map(viewProvider),
  }));
