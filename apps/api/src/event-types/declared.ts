import { hash } from 'node:crypto';
import type { Store } from '@tidings/db';
import type { CheckData, Schemas } from '@tidings/templates';

/** What the data of declared types must be like. */
export interface DeclaredTypes {
  /** The check of a type's data; undefined where any is good. */
  checkOf(projectId: string, type: string): Promise<CheckData | undefined>;
  /** The next publish asks the record: the type is declared otherwise. */
  forget(projectId: string, type: string): void;
}

const typesAtMost = 10_000;

/**
 * Asks the store at most every `cacheMs` for each type, declared or not: what another process declares holds after
 * that time.
 */
export function createDeclaredTypes(options: {
  store: Pick<Store, 'findEventType'>;
  schemas: Schemas;
  cacheMs?: number;
}): DeclaredTypes {
  const { store, schemas, cacheMs = 2000 } = options;
  const known = new Map<string, { check: Promise<CheckData | undefined>; until: number }>();

  async function ask(projectId: string, type: string): Promise<CheckData | undefined> {
    const schema = (await store.findEventType(projectId, type))?.schema;
    if (schema === undefined || schema === null) return undefined;
    return schemas.check(hash('sha256', JSON.stringify(schema), 'hex'), schema);
  }

  return {
    checkOf: (projectId, type) => {
      const key = `${projectId} ${type}`;
      const cached = known.get(key);
      if (cached !== undefined && cached.until > performance.now()) return cached.check;
      if (known.size >= typesAtMost) known.clear();
      const check = ask(projectId, type);
      known.set(key, { check, until: performance.now() + cacheMs });
      // What could not be asked is asked anew.
      check.catch(() => known.delete(key));
      return check;
    },
    forget: (projectId, type) => known.delete(`${projectId} ${type}`),
  };
}
