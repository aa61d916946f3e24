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
  for (const { kind, key, source } of defaultParts) {
    await store.addTemplatePart(projectId, { kind, key }, source);
  }
  for (const { key, fields } of await builtDefaults()) {
    await store.addPublishedTemplate(projectId, key, newId('template'), fields);
  }
}

interface BuiltDefault {
  key: string;
  fields: PublishedFields;
}

async function builtDefaults(): Promise<BuiltDefault[]> {
  const tools = {
    engine: createTemplateEngine(),
    schemas: createSchemas(),
    runMjml: () => Promise.reject(new Error('no default template is in MJML')),
  };
  const findPart = (kind: string, key: string) =>
    defaultParts.find((part) => part.kind === kind && part.key === key)?.source;
  return Promise.all(
    defaultTemplates.map(async ({ key, category, schema, content: source }) => {
      const built = await buildVersion(tools, { source, schema, findPart, defaultLocale: 'en' });
      const [finding] = built.findings;
      if (finding !== undefined)
        throw new Error(`default template ${key}: ${finding.pointer} ${finding.detail}`);
      const fields = {
        category,
        schema,
        onAmbiguous: 'resend' as const,
        source: { content: source, parts: built.parts },
        content: built.content,
      };
      return { key, fields };
    }),
  );
}
