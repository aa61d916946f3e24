import { listCopies } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewCopyLine } from './view.ts';

/** `copies.list`. */
export const list = (store: Store) =>
  query(listCopies, async (input, { principal }) => {
    const found = await store.listCopies(principal.projectId, input);
    return toPage(found, input, viewCopyLine);
  });
