import { listApiKeys } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewApiKey } from './view.ts';

/** `apiKeys.list`. */
export const list = (store: Store) =>
  query(listApiKeys, async (input, { principal }) =>
    toPage(await store.listApiKeys(principal.projectId, input), input, viewApiKey),
  );
