import { getAccount, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewAccount } from './view.ts';

/** `accounts.get`. */
export const get = (store: Store) =>
  query(getAccount, async ({ id }) => {
    const found = await store.findAccount(id);
    if (found === undefined) throw new TidingsError('not_found');
    return viewAccount(found);
  });
