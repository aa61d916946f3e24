import { getTemplatePart, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewTemplatePart } from './view.ts';

/** `templateParts.get`. */
export const get = (store: Store) =>
  query(getTemplatePart, async (name, { principal }) => {
    const found = await store.getTemplatePart(principal.projectId, name);
    if (found === undefined) throw new TidingsError('not_found');
    return viewTemplatePart(found);
  });
