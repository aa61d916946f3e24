import type { UpsertCategoryInput } from '@tidings/contracts';
import { and, asc, eq } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Actor, recordChange } from './audit.ts';

export type CategoryRow = Tables['categories']['$inferSelect'];

/** Declares a category, or declares it anew. `auditId` is for the row of the audit trail. */
export function upsertCategory(
  database: Database,
  actor: Actor,
  input: UpsertCategoryInput & { projectId: string; auditId: string },
): Promise<CategoryRow> {
  const { categories } = database.tables;
  const { projectId, auditId, key, ...fields } = input;
  return database.commit(function* (db) {
    const [category] = yield* rows(
      db
        .insert(categories)
        .values({ projectId, key, ...fields, createdAt: database.now, updatedAt: database.now })
        .onConflictDoUpdate({
          target: [categories.projectId, categories.key],
          set: { ...fields, updatedAt: database.now },
        })
        .returning(),
    );
    if (category === undefined) throw new Error('an upsert answered no row');
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'categories.upsert',
      target: key,
      fields: Object.keys(fields),
    });
    return category;
  });
}

/** Every declared category of a project, by its key. */
export async function listCategories(database: Database, projectId: string): Promise<CategoryRow[]> {
  const { categories } = database.tables;
  return await database.handle
    .select()
    .from(categories)
    .where(eq(categories.projectId, projectId))
    .orderBy(asc(categories.key));
}

/** Takes a declaration back; what was said of the category stays. Answers whether there was one. */
export function removeCategory(
  database: Database,
  actor: Actor,
  { projectId, key, auditId }: { projectId: string; key: string; auditId: string },
): Promise<boolean> {
  const { categories } = database.tables;
  return database.commit(function* (db) {
    const removed = yield* rows(
      db
        .delete(categories)
        .where(and(eq(categories.projectId, projectId), eq(categories.key, key)))
        .returning({ key: categories.key }),
    );
    if (removed.length === 0) return false;
    yield* recordChange(database, db, actor, {
      id: auditId,
      projectId,
      action: 'categories.remove',
      target: key,
    });
    return true;
  });
}
