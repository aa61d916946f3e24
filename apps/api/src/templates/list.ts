import { listTemplates } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { isoOrNull } from '../iso.ts';
import { query } from '../operations.ts';

/** `templates.list`: pages by key, archived ones among them. */
export const list = (store: Store) =>
  query(listTemplates, async ({ limit, after }, { principal }) => {
    const found = await store.listTemplates(principal.projectId, { limit: limit + 1, after });
    const items = found.slice(0, limit).map(({ archivedAt, publishedVersion, ...summary }) => ({
      ...summary,
      publishedVersion: archivedAt === null ? publishedVersion : null,
      archivedAt: isoOrNull(archivedAt),
    }));
    return { items, after: found.length > limit ? (items.at(-1)?.key ?? null) : null };
  });
