import { listTemplateParts } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { toIso } from '../iso.ts';
import { query } from '../operations.ts';

/** `templateParts.list`. */
export const list = (store: Store) =>
  query(listTemplateParts, async (_, { principal }) => {
    const found = await store.listTemplateParts(principal.projectId);
    return { items: found.map((part) => ({ ...part, updatedAt: toIso(part.updatedAt) })) };
  });
