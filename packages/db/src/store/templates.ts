import type { TemplateVersion } from '@tidings/contracts';
import { and, desc, eq } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import type { Tables } from '../schema/tables.ts';

export type TemplateRow = Tables['templates']['$inferSelect'];

/** The newest version of a template. */
export async function latestTemplate(
  database: Database,
  projectId: string,
  key: string,
): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  const [found] = await database.handle
    .select()
    .from(templates)
    .where(and(eq(templates.projectId, projectId), eq(templates.key, key)))
    .orderBy(desc(templates.version))
    .limit(1);
  return found;
}

/** One version by its id. A version never changes, so it may be kept for ever. */
export async function templateById(database: Database, id: string): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  const [found] = await database.handle.select().from(templates).where(eq(templates.id, id));
  return found;
}

/** Stores a version unless the project already has it. */
export async function addTemplate(
  database: Database,
  projectId: string,
  version: TemplateVersion & { id: string },
): Promise<void> {
  await database.commit((db) => insertTemplate(database, db, projectId, version));
}

/** One step of a commit: the version, unless the project already has it. */
export function* insertTemplate(
  database: Database,
  db: Handle,
  projectId: string,
  version: TemplateVersion & { id: string },
): Steps<void> {
  const { templates } = database.tables;
  yield* rows(
    db
      .insert(templates)
      .values({ ...version, projectId, createdAt: database.now })
      .onConflictDoNothing()
      .returning({ id: templates.id }),
  );
}
