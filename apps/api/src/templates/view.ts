import type { TemplateView, VersionLine } from '@tidings/contracts';
import type { Store, TemplateRow, TemplateWithVersions, VersionRow } from '@tidings/db';
import { hashPart } from '@tidings/templates';
import { isoOrNull, toIso } from '../iso.ts';
import { revisionOf, schemaOf, sourceOf } from './version-of.ts';

/** A template as the API shows it. */
export async function viewTemplate(
  store: Store,
  { shown, versions, inUse }: TemplateWithVersions & { shown: TemplateRow },
): Promise<TemplateView> {
  return {
    key: shown.key,
    version: shown.version,
    status: statusOf(shown),
    revision: revisionOf(shown),
    content: sourceOf(shown),
    schema: schemaOf(shown),
    category: shown.category,
    onAmbiguous: shown.onAmbiguous,
    outdatedParts: await outdatedParts(store, shown),
    publishedVersion: inUse?.archivedAt === null ? inUse.version : null,
    archivedAt: isoOrNull(inUse?.archivedAt ?? null),
    versions: versions.map((row) => viewVersion(row, inUse)),
  };
}

/** A version in a list. */
export function viewVersion(row: VersionRow, inUse: TemplateWithVersions['inUse']): VersionLine {
  return {
    version: row.version,
    status: statusOf(row),
    inUse: inUse?.templateId === row.id && inUse.archivedAt === null,
    createdAt: toIso(row.createdAt),
    publishedAt: isoOrNull(row.publishedAt),
  };
}

function statusOf({ publishedAt }: VersionRow): 'draft' | 'published' {
  return publishedAt === null ? 'draft' : 'published';
}

/** Parts that now say something else than when the version took them in. */
async function outdatedParts(store: Store, { projectId, source }: TemplateRow): Promise<string[]> {
  const taken = Object.entries(source?.parts ?? {});
  if (taken.length === 0) return [];
  const now = new Map(
    (await store.allTemplateParts(projectId)).map((part) => [
      `${part.kind}/${part.key}`,
      hashPart(part.source),
    ]),
  );
  return taken.filter(([name, hash]) => now.get(name) !== hash).map(([name]) => name);
}
