import { listDeadLetters } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { searchOf } from './search.ts';
import { viewDeadLetter } from './view.ts';

/** `deadLetters.list`. */
export const list = (store: Store) =>
  query(listDeadLetters, async ({ limit, after, before, ...filters }, { principal: { projectId } }) => {
    const search = await searchOf(store, projectId, filters);
    const page = { limit, after, before };
    const found = search === undefined ? [] : await store.listDeadLetters(projectId, { ...search, ...page });
    return toPage(found, page, viewDeadLetter);
  });
