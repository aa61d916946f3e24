import { getProvider, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewProvider } from './view.ts';

/** `providers.get`. */
export const get = (store: Store) =>
  query(getProvider, async ({ id }, { principal }) => {
    const found = await store.getProvider(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewProvider(found);
  });
