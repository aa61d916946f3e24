import type { PublishedFields, Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import {
  buildVersion,
  createSchemas,
  createTemplateEngine,
  defaultParts,
  defaultTemplates,
} from '@tidings/templates';

/**
 * Gives a project the templates that everyone begins with, and what they share. What it has of the same key is
 * left as it is, whatever became of it.
 */
export async function addDefaultTemplates(store: Store, projectId: string): Promise<void> {
  const missing = await missingDefaults(store, projectId);
  if (missing.length === 0) return;
  for (const { kind, key, source } of defaultParts) {
    await store.addTemplatePart(projectId, { kind, key }, source);
  }
  const tools = {
    engine: createTemplateEngine(),
    schemas: createSchemas(),
    runMjml: () => Promise.reject(new Error('no default template is in MJML')),
  };
  for (const template of missing) {
    const fields = await built(template, tools);
    await store.addPublishedTemplate(projectId, template.key, newId('template'), fields);
  }
}

type Default = (typeof defaultTemplates)[number];

/** At every start but the first there are none. */
async function missingDefaults(store: Store, projectId: string): Promise<Default[]> {
  const found = await Promise.all(
    defaultTemplates.map(({ key }) => store.listTemplateVersions(projectId, key, { limit: 1 })),
  );
  return defaultTemplates.filter((_, index) => found[index]?.length === 0);
}

async function built(
  { key, category, schema, content: source }: Default,
  tools: Parameters<typeof buildVersion>[0],
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
  if (finding !== undefined) throw new Error(`default template ${key}: ${finding.pointer} ${finding.detail}`);
  return { category, schema, onAmbiguous: 'resend', source: { content: source, parts }, content };
}
