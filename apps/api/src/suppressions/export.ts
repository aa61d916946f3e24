import { exportSuppressions } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { writeCsv } from './csv.ts';
import { viewSuppression } from './view.ts';

const limit = 1000;

/** `suppressions.export`. Named so, for `export` is a word of the language. */
export const exportAll = (store: Store) =>
  query(
    exportSuppressions,
    async (input, { principal }) => {
      const page = { ...input, limit };
      const found = await store.listSuppressions(principal.projectId, page);
      const { items, after } = toPage(found, page, viewSuppression);
      return { items, after };
    },
    { write: writeCsv },
  );
