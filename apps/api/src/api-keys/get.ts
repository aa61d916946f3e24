import { getApiKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewApiKey } from './view.ts';

/** `apiKeys.get`. */
export const get = (store: Store) =>
  query(getApiKey, async ({ id }, { principal }) => {
    const found = await store.getApiKey(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewApiKey(found);
  });
