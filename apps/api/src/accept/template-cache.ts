import type { Store, TemplateRow } from '@tidings/db';

/** The newest version of a template. */
export type FindTemplate = (projectId: string, key: string) => Promise<TemplateRow | undefined>;

const templatesAtMost = 1000;

/** Asks the store at most every `cacheMs` for each template: a new version is used after that time. */
export function createTemplateCache(options: { store: Store; cacheMs?: number }): FindTemplate {
  const { store, cacheMs = 2000 } = options;
  const known = new Map<string, { row: TemplateRow; until: number }>();
  return async (projectId, key) => {
    const cached = known.get(`${projectId} ${key}`);
    if (cached !== undefined && cached.until > performance.now()) return cached.row;
    const row = await store.latestTemplate(projectId, key);
    if (known.size >= templatesAtMost) known.clear();
    if (row !== undefined) known.set(`${projectId} ${key}`, { row, until: performance.now() + cacheMs });
    return row;
  };
}
