import { getSuppression, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewSuppression } from './view.ts';

/** `suppressions.get`. */
export const get = (store: Store) =>
  query(getSuppression, async ({ id }, { principal }) => {
    const found = await store.getSuppression(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewSuppression(found);
  });
