import { listCategories } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewCategory } from './view.ts';

/** `categories.list`. */
export const list = (store: Store) =>
  query(listCategories, async (_, { principal }) => {
    const found = await store.listCategories(principal.projectId);
    return { items: found.map(viewCategory) };
  });
