import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { type Database, type Handle, rows, type Steps } from '../database.ts';
import { type Recorded, recordChange } from './audit.ts';
import type { PublishedFields, TemplateRow, VersionFields } from './templates.ts';

/** Stores the first draft of a template; undefined when there is a template of this key. */
export function createTemplate(
  database: Database,
  projectId: string,
  draft: VersionFields & { id: string; key: string },
  recorded: Recorded,
): Promise<TemplateRow | undefined> {
  return startDraft(database, projectId, { ...draft, version: 1 }, recorded);
}

/**
 * Stores a new draft under this number; undefined when the number is taken. Whoever asks has read which version is
 * the newest, so of two who begin a draft at once one is refused.
 */
export function startDraft(
  database: Database,
  projectId: string,
  draft: VersionFields & { id: string; key: string; version: number },
  { actor, change }: Recorded,
): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  return database.commit(function* (db) {
    const [stored]: TemplateRow[] = yield* rows(
      db
        .insert(templates)
        .values({
          ...draft,
          projectId,
          variables: {},
          content: {},
          createdAt: database.now,
          updatedAt: database.now,
        })
        .onConflictDoNothing()
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** Which draft somebody has read, and in which state. */
export interface DraftState {
  id: string;
  revision: number;
}

/** Changes the draft; undefined when it has been changed or published since. */
export function updateDraft(
  database: Database,
  projectId: string,
  draft: DraftState,
  fields: VersionFields,
  { actor, change }: Recorded,
): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  return database.commit(function* (db) {
    const [stored]: TemplateRow[] = yield* rows(
      db
        .update(templates)
        // Two changes within a millisecond are two revisions all the same.
        .set({
          ...fields,
          updatedAt: sql`case when ${database.now} > ${templates.updatedAt} then ${database.now} else ${templates.updatedAt} + 1 end`,
        })
        .where(isDraft(database, projectId, draft))
        .returning(),
    );
    if (stored !== undefined) yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** Freezes the draft and sends with it from now on; undefined when it has been changed or published since. */
export function publishTemplate(
  database: Database,
  projectId: string,
  draft: DraftState,
  fields: Pick<PublishedFields, 'content' | 'source'>,
  { actor, change }: Recorded,
): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  return database.commit(function* (db) {
    const [stored]: TemplateRow[] = yield* rows(
      db
        .update(templates)
        .set({ ...fields, publishedAt: database.now })
        .where(isDraft(database, projectId, draft))
        .returning(),
    );
    if (stored === undefined) return undefined;
    yield* pointAt(database, db, stored);
    yield* recordChange(database, db, actor, change);
    return stored;
  });
}

/** Sends with an earlier version from now on; undefined when it was never published. */
export function rollbackTemplate(
  database: Database,
  projectId: string,
  id: string,
  { actor, change }: Recorded,
): Promise<TemplateRow | undefined> {
  const { templates } = database.tables;
  return database.commit(function* (db) {
    const [found]: TemplateRow[] = yield* rows(
      db
        .select()
        .from(templates)
        .where(
          and(eq(templates.projectId, projectId), eq(templates.id, id), isNotNull(templates.publishedAt)),
        ),
    );
    if (found === undefined) return undefined;
    yield* pointAt(database, db, found);
    yield* recordChange(database, db, actor, change);
    return found;
  });
}

/** Sends nothing new with the template; false when it is not in use. */
export function archiveTemplate(
  database: Database,
  projectId: string,
  key: string,
  { actor, change }: Recorded,
): Promise<boolean> {
  const { publishedTemplates } = database.tables;
  return database.commit(function* (db) {
    const archived = yield* rows(
      db
        .update(publishedTemplates)
        .set({ archivedAt: database.now, updatedAt: database.now })
        .where(
          and(
            eq(publishedTemplates.projectId, projectId),
            eq(publishedTemplates.key, key),
            isNull(publishedTemplates.archivedAt),
          ),
        )
        .returning({ key: publishedTemplates.key }),
    );
    if (archived.length > 0) yield* recordChange(database, db, actor, change);
    return archived.length > 0;
  });
}

/** A published version never matches: nothing changes it. */
function isDraft(database: Database, projectId: string, { id, revision }: DraftState) {
  const { templates } = database.tables;
  return and(
    eq(templates.projectId, projectId),
    eq(templates.id, id),
    isNull(templates.publishedAt),
    eq(templates.updatedAt, revision),
  );
}

/** One step of a commit: new sends use this version. */
export function* pointAt(database: Database, db: Handle, { projectId, key, id }: TemplateRow): Steps<void> {
  const { publishedTemplates } = database.tables;
  const fields = { templateId: id, updatedAt: database.now, archivedAt: null };
  yield* rows(
    db
      .insert(publishedTemplates)
      .values({ projectId, key, ...fields })
      .onConflictDoUpdate({ target: [publishedTemplates.projectId, publishedTemplates.key], set: fields })
      .returning({ key: publishedTemplates.key }),
  );
}
