import type { PartKind, PartSource } from '@tidings/contracts';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { pointAt } from './template-versions.ts';
import type { PublishedFields, TemplateRow } from './templates.ts';

/** What a project begins with: templates as they are published, and the parts that they share. */
export interface FirstTemplates {
  parts: ReadonlyArray<{ kind: PartKind; key: string; source: PartSource }>;
  templates: ReadonlyArray<PublishedFields & { id: string; key: string }>;
}

/** Gives a project these templates, all at once. What it has of the same key is left as it is. */
export function addFirstTemplates(
  database: Database,
  projectId: string,
  first: FirstTemplates,
): Promise<void> {
  return database.commit((db) => insertFirstTemplates(database, db, projectId, first));
}

/** One step of a commit: the first templates of a project. */
export function* insertFirstTemplates(
  database: Database,
  db: Handle,
  projectId: string,
  first: FirstTemplates,
): Steps<void> {
  const { templates, templateParts } = database.tables;
  const { now } = database;
  for (const part of first.parts) {
    yield* rows(
      db
        .insert(templateParts)
        .values({ ...part, projectId, createdAt: now, updatedAt: now })
        .onConflictDoNothing()
        .returning({ key: templateParts.key }),
    );
  }
  for (const template of first.templates) {
    const [stored]: TemplateRow[] = yield* rows(
      db
        .insert(templates)
        .values({
          ...template,
          projectId,
          version: 1,
          variables: {},
          createdAt: now,
          updatedAt: now,
          publishedAt: now,
        })
        .onConflictDoNothing()
        .returning(),
    );
    if (stored !== undefined) yield* pointAt(database, db, stored);
  }
}
