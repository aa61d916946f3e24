import type { Store, TemplateRow } from '@tidings/db';
import { type CheckData, type Schemas, schemaFromVariables } from '@tidings/templates';

/** A version that a send may use, and the check of the data for it. */
export interface UsableTemplate {
  row: TemplateRow;
  checkData: CheckData;
}

/** The version of a template that is in use. */
export type FindTemplate = (projectId: string, key: string) => Promise<UsableTemplate | undefined>;

/** Versions in use, and how to forget one. */
export interface TemplateCache {
  find: FindTemplate;
  /** The next send asks the record: another version is in use. */
  forget(projectId: string, key: string): void;
}

const templatesAtMost = 1000;

/**
 * Asks the store at most every `cacheMs` for each template: what another process publishes is used after that
 * time.
 */
export function createTemplateCache(options: {
  store: Store;
  schemas: Schemas;
  cacheMs?: number;
}): TemplateCache {
  const { store, schemas, cacheMs = 2000 } = options;
  const known = new Map<string, UsableTemplate & { until: number }>();
  let forgets = 0;
  return {
    find: async (projectId, key) => {
      const cached = known.get(`${projectId} ${key}`);
      if (cached !== undefined && cached.until > performance.now()) return cached;
      const askedAt = performance.now();
      const forgetsBefore = forgets;
      const row = await store.publishedTemplate(projectId, key);
      if (known.size >= templatesAtMost) known.clear();
      if (row === undefined) {
        known.delete(`${projectId} ${key}`);
        return undefined;
      }
      const schema = row.schema ?? schemaFromVariables(row.variables);
      const found = { row, checkData: schemas.check(row.id, schema), until: askedAt + cacheMs };
      // What was read before a version went out of use must not stay in use after it.
      if (forgets === forgetsBefore) known.set(`${projectId} ${key}`, found);
      return found;
    },
    forget: (projectId, key) => {
      forgets += 1;
      known.delete(`${projectId} ${key}`);
    },
  };
}
