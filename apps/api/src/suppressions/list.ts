import { listSuppressions } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewSuppression } from './view.ts';

/** `suppressions.list`. */
export const list = (store: Store) =>
  query(listSuppressions, async (input, { principal }) =>
    toPage(await store.listSuppressions(principal.projectId, input), input, viewSuppression),
  );
