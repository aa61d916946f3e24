import { type ErrorDetail, type LintFinding, TidingsError } from '@tidings/contracts';
import type { Store, TemplateRow, TemplateWithVersions } from '@tidings/db';
import { type BuildTools, type Built, buildVersion } from '@tidings/templates';
import { schemaOf, sourceOf } from './version-of.ts';

/** What the operations on templates share: finding a version, and building it with the parts as they are now. */
export interface Workshop {
  /** @throws TidingsError `not_found` when there is no such template, or no such version of it. */
  find(
    projectId: string,
    key: string,
    version?: number,
  ): Promise<TemplateWithVersions & { shown: TemplateRow }>;
  build(row: TemplateRow): Promise<Built>;
  /** A published version has been built; a draft is built now. @throws TidingsError `invalid_template`. */
  rendered(row: TemplateRow): Promise<Pick<Built, 'content'>>;
}

export function createWorkshop({ store, tools }: { store: Store; tools: BuildTools }): Workshop {
  async function build(row: TemplateRow): Promise<Built> {
    const [parts, defaultLocale] = await Promise.all([
      store.allTemplateParts(row.projectId),
      store.defaultLocaleOf(row.projectId),
    ]);
    const byName = new Map(parts.map(({ kind, key, source }) => [`${kind}/${key}`, source]));
    return buildVersion(tools, {
      source: sourceOf(row),
      schema: schemaOf(row),
      findPart: (kind, key) => byName.get(`${kind}/${key}`),
      defaultLocale,
    });
  }

  return {
    build,
    find: async (projectId, key, version) => {
      const found = await store.getTemplate(projectId, key, version);
      const shown = found?.shown;
      if (found === undefined || shown === undefined) throw new TidingsError('not_found');
      return { ...found, shown };
    },
    rendered: async (row) => {
      if (row.publishedAt !== null) return { content: row.content };
      const built = await build(row);
      refuseErrors(built.findings);
      return built;
    },
  };
}

/** @throws TidingsError `invalid_template` when there are errors among them. */
export function refuseErrors(findings: LintFinding[]): void {
  const errors: ErrorDetail[] = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ pointer, detail }) => ({ pointer, detail }));
  if (errors.length > 0) throw new TidingsError('invalid_template', { errors: errors.slice(0, 100) });
}
