import { and, asc, desc, eq, gt, inArray, isNull, lt, max } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { TemplateRow } from './templates.ts';

/** A version without what it says. */
export type VersionRow = Pick<TemplateRow, 'id' | 'version' | 'createdAt' | 'publishedAt'>;

/** A template with one version in full, the newest twenty in short, and which of them is in use. */
export interface TemplateWithVersions {
  /** The version asked for, else the draft, else the one in use, else the newest; undefined when there is none. */
  shown: TemplateRow | undefined;
  versions: VersionRow[];
  inUse: { templateId: string; version: number; archivedAt: number | null } | undefined;
}

const shownInShort = 20;

/** Undefined when there is no template of this key. */
export async function getTemplate(
  database: Database,
  projectId: string,
  key: string,
  version?: number,
): Promise<TemplateWithVersions | undefined> {
  const { templates, publishedTemplates } = database.tables;
  const versions = await listTemplateVersions(database, projectId, key, { limit: shownInShort });
  if (versions.length === 0) return undefined;
  const [inUse] = await database.handle
    .select({
      templateId: publishedTemplates.templateId,
      version: templates.version,
      archivedAt: publishedTemplates.archivedAt,
    })
    .from(publishedTemplates)
    .innerJoin(templates, eq(templates.id, publishedTemplates.templateId))
    .where(and(eq(publishedTemplates.projectId, projectId), eq(publishedTemplates.key, key)));
  const draft = versions.find(({ publishedAt }) => publishedAt === null);
  const wanted = version ?? draft?.version ?? inUse?.version ?? versions[0]?.version ?? 0;
  const [shown] = await database.handle
    .select()
    .from(templates)
    .where(and(eq(templates.projectId, projectId), eq(templates.key, key), eq(templates.version, wanted)));
  return { shown, versions, inUse };
}

/** Versions, newest first. */
export async function listTemplateVersions(
  database: Database,
  projectId: string,
  key: string,
  { limit, olderThan }: { limit: number; olderThan?: number },
): Promise<VersionRow[]> {
  const { templates } = database.tables;
  return database.handle
    .select({
      id: templates.id,
      version: templates.version,
      createdAt: templates.createdAt,
      publishedAt: templates.publishedAt,
    })
    .from(templates)
    .where(
      and(
        eq(templates.projectId, projectId),
        eq(templates.key, key),
        olderThan === undefined ? undefined : lt(templates.version, olderThan),
      ),
    )
    .orderBy(desc(templates.version))
    .limit(limit);
}

/** One line about a template. */
export interface TemplateSummary {
  key: string;
  newestVersion: number;
  draftVersion: number | null;
  publishedVersion: number | null;
  archivedAt: number | null;
}

/** Templates in the order of their keys, from the first one after `after`. */
export async function listTemplates(
  database: Database,
  projectId: string,
  { limit, after }: { limit: number; after?: string },
): Promise<TemplateSummary[]> {
  const { templates, publishedTemplates } = database.tables;
  const found = await database.handle
    .select({ key: templates.key, newestVersion: max(templates.version) })
    .from(templates)
    .where(
      and(eq(templates.projectId, projectId), after === undefined ? undefined : gt(templates.key, after)),
    )
    .groupBy(templates.key)
    .orderBy(asc(templates.key))
    .limit(limit);
  if (found.length === 0) return [];
  const keys = found.map(({ key }) => key);
  const drafts = await database.handle
    .select({ key: templates.key, version: templates.version })
    .from(templates)
    .where(
      and(eq(templates.projectId, projectId), inArray(templates.key, keys), isNull(templates.publishedAt)),
    );
  const used = await database.handle
    .select({
      key: publishedTemplates.key,
      version: templates.version,
      archivedAt: publishedTemplates.archivedAt,
    })
    .from(publishedTemplates)
    .innerJoin(templates, eq(templates.id, publishedTemplates.templateId))
    .where(and(eq(publishedTemplates.projectId, projectId), inArray(publishedTemplates.key, keys)));
  return found.map(({ key, newestVersion }) => {
    const inUse = used.find((one) => one.key === key);
    return {
      key,
      newestVersion: newestVersion ?? 0,
      draftVersion: drafts.find((one) => one.key === key)?.version ?? null,
      publishedVersion: inUse?.version ?? null,
      archivedAt: inUse?.archivedAt ?? null,
    };
  });
}
