import { getNotification, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewNotification } from './view.ts';

/** `notifications.get`. */
export const get = (store: Store) =>
  query(getNotification, async ({ id }, { principal }) => {
    const found = await store.getNotification(principal.projectId, id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewNotification(found);
  });
