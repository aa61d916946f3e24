import { getRecipient, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewRecipient } from './view.ts';

/** `recipients.get`. */
export const get = (store: Store) =>
  query(getRecipient, async ({ recipientId }, { principal }) => {
    const found = await store.findRecipient(principal.projectId, recipientId);
    if (found === undefined) throw new TidingsError('not_found');
    return viewRecipient(found);
  });
