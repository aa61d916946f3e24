import { listAccounts } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewAccount } from './view.ts';

/** `accounts.list`. */
export const list = (store: Store) =>
  query(listAccounts, async (input) => toPage(await store.listAccounts(input), input, viewAccount));
