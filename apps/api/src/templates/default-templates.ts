import type { FirstTemplates, PublishedFields, Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import {
  type BuildTools,
  buildVersion,
  createSchemas,
  createTemplateEngine,
  defaultParts,
  defaultTemplates,
} from '@tidings/templates';

/** The templates that every project begins with, and what they share, under new ids. */
export async function buildDefaultTemplates(): Promise<FirstTemplates> {
  const tools: BuildTools = {
    engine: createTemplateEngine(),
    schemas: createSchemas(),
    runMjml: () => Promise.reject(new Error('no default template is in MJML')),
  };
  const templates = defaultTemplates.map(async (template) => ({
    id: newId('template'),
    key: template.key,
    ...(await built(template, tools)),
  }));
  return { parts: defaultParts, templates: await Promise.all(templates) };
}

/** Gives a project the default templates. What it has of the same key is left as it is, whatever became of it. */
export async function addDefaultTemplates(store: Store, projectId: string): Promise<void> {
  const found = await Promise.all(
    defaultTemplates.map(({ key }) => store.listTemplateVersions(projectId, key, { limit: 1 })),
  );
  // At every start but the first all are there.
  if (found.every((versions) => versions.length > 0)) return;
  await store.addFirstTemplates(projectId, await buildDefaultTemplates());
}

async function built(
  { category, schema, content: source }: (typeof defaultTemplates)[number],
  tools: BuildTools,
): Promise<PublishedFields> {
  const findPart = (kind: string, name: string) =>
    defaultParts.find((part) => part.kind === kind && part.key === name)?.source;
  const { content, parts, findings } = await buildVersion(tools, {
    source,
    schema,
    findPart,
    defaultLocale: 'en',
  });
  const [finding] = findings;
  if (finding !== undefined) throw new Error(`a default template: ${finding.pointer} ${finding.detail}`);
  return { category, schema, onAmbiguous: 'resend', source: { content: source, parts }, content };
}
