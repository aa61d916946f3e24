import { listTemplateVersions } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewVersion } from './view.ts';
import type { Workshop } from './workshop.ts';

/** `templates.versions`. */
export const versions = ({ store, workshop }: { store: Store; workshop: Workshop }) =>
  query(listTemplateVersions, async ({ key, limit, olderThan }, { principal }) => {
    const { inUse } = await workshop.find(principal.projectId, key);
    const found = await store.listTemplateVersions(principal.projectId, key, { limit: limit + 1, olderThan });
    const items = found.slice(0, limit).map((row) => viewVersion(row, inUse));
    return { items, olderThan: found.length > limit ? (items.at(-1)?.version ?? null) : null };
  });
