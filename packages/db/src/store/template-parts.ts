import type { PartKind, PartSource } from '@tidings/contracts';
import { and, asc, eq, sql } from 'drizzle-orm';
import { type Database, rows } from '../database.ts';
import type { Tables } from '../schema/tables.ts';
import { type Recorded, recordChange } from './audit.ts';

export type TemplatePartRow = Tables['templateParts']['$inferSelect'];

/** Names a part within its project. */
interface PartName {
  kind: PartKind;
  key: string;
}

/** Stores a part, in the place of the one of this name. */
export function putTemplatePart(
  database: Database,
  projectId: string,
  { kind, key }: PartName,
  source: PartSource,
  { actor, change }: Recorded,
): Promise<TemplatePartRow> {
  const { templateParts } = database.tables;
  return database.commit(function* (db) {
    const [stored]: TemplatePartRow[] = yield* rows(
      db
        .insert(templateParts)
        .values({ projectId, kind, key, source, createdAt: database.now, updatedAt: database.now })
        .onConflictDoUpdate({
          target: [templateParts.projectId, templateParts.kind, templateParts.key],
          set: { source: sql`excluded.source`, updatedAt: database.now },
        })
        .returning(),
    );
    if (stored === undefined) throw new Error('an upsert answered no row');
    yield* recordChange(database, db, actor, change);
    return stored;
  });
}

export async function getTemplatePart(
  database: Database,
  projectId: string,
  { kind, key }: PartName,
): Promise<TemplatePartRow | undefined> {
  const { templateParts } = database.tables;
  const [found] = await database.handle
    .select()
    .from(templateParts)
    .where(
      and(eq(templateParts.projectId, projectId), eq(templateParts.kind, kind), eq(templateParts.key, key)),
    );
  return found;
}

/** Every part of a project by kind and key, without what it says. */
export async function listTemplateParts(
  database: Database,
  projectId: string,
): Promise<Array<Pick<TemplatePartRow, 'kind' | 'key' | 'updatedAt'>>> {
  const { templateParts } = database.tables;
  return database.handle
    .select({ kind: templateParts.kind, key: templateParts.key, updatedAt: templateParts.updatedAt })
    .from(templateParts)
    .where(eq(templateParts.projectId, projectId))
    .orderBy(asc(templateParts.kind), asc(templateParts.key));
}

/** Every part of a project, with what it says. */
export async function allTemplateParts(database: Database, projectId: string): Promise<TemplatePartRow[]> {
  const { templateParts } = database.tables;
  return database.handle.select().from(templateParts).where(eq(templateParts.projectId, projectId));
}

/** Removes a part; false when there is none of this name. */
export function deleteTemplatePart(
  database: Database,
  projectId: string,
  { kind, key }: PartName,
  { actor, change }: Recorded,
): Promise<boolean> {
  const { templateParts } = database.tables;
  return database.commit(function* (db) {
    const gone = yield* rows(
      db
        .delete(templateParts)
        .where(
          and(
            eq(templateParts.projectId, projectId),
            eq(templateParts.kind, kind),
            eq(templateParts.key, key),
          ),
        )
        .returning({ key: templateParts.key }),
    );
    if (gone.length > 0) yield* recordChange(database, db, actor, change);
    return gone.length > 0;
  });
}
