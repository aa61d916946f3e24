import type { CompiledContent, JsonObject, OnAmbiguous } from '@tidings/contracts';
import { and, eq, getTableColumns, isNull } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { StoredSource, Tables } from '../schema/tables.ts';

export type TemplateRow = Tables['templates']['$inferSelect'];

/** What a version holds besides its number and instants. */
export interface VersionFields {
  category: string | null;
  onAmbiguous: OnAmbiguous;
  schema: JsonObject;
  source: StoredSource;
}

/** A version as it is published: with what is rendered. */
export interface PublishedFields extends VersionFields {
  content: Record<string, CompiledContent>;
}

/** The version of a template that a send uses now; none once the template is archived. */
export async function publishedTemplate(
  database: Database,
  projectId: string,
  key: string,
): Promise<TemplateRow | undefined> {
  const { templates, publishedTemplates } = database.tables;
  const [found] = await database.handle
    .select(getTableColumns(templates))
    .from(publishedTemplates)
    .innerJoin(templates, eq(templates.id, publishedTemplates.templateId))
    .where(
      and(
        eq(publishedTemplates.projectId, projectId),
        eq(publishedTemplates.key, key),
        isNull(publishedTemplates.archivedAt),
      ),
    );
  return found;
}

/** What a message is rendered from. */
export interface RenderedVersion {
  version: number;
  content: TemplateRow['content'];
  /** The locale of the project, for whom no better one is found. */
  defaultLocale: string;
}

/** A published version by its id. Its content never changes, the project's locale may. */
export async function templateById(database: Database, id: string): Promise<RenderedVersion | undefined> {
  const { templates, projects } = database.tables;
  const [found] = await database.handle
    .select({ version: templates.version, content: templates.content, defaultLocale: projects.defaultLocale })
    .from(templates)
    .innerJoin(projects, eq(projects.id, templates.projectId))
    .where(eq(templates.id, id));
  return found;
}

/** The locale that a project writes in when nothing else is known. */
export async function defaultLocaleOf(database: Database, projectId: string): Promise<string> {
  const { projects } = database.tables;
  const [found] = await database.handle
    .select({ defaultLocale: projects.defaultLocale })
    .from(projects)
    .where(eq(projects.id, projectId));
  if (found === undefined) throw new Error(`project ${projectId} is missing`);
  return found.defaultLocale;
}
