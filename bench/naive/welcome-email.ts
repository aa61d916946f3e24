import {
  buildVersion,
  createSchemas,
  createTemplateEngine,
  defaultParts,
  defaultTemplates,
} from '@tidings/templates';

/** What Tidings renders for `welcome_email` in English: one Liquid source for each part of the mail. */
export async function welcomeEmail(): Promise<{ subject: string; text: string; html: string }> {
  const template = defaultTemplates.find(({ key }) => key === 'welcome_email');
  if (template === undefined) throw new Error('there is no default template welcome_email');
  const tools = {
    engine: createTemplateEngine(),
    schemas: createSchemas(),
    runMjml: () => Promise.reject(new Error('it is not in MJML')),
  };
  const { content } = await buildVersion(tools, {
    source: template.content,
    schema: template.schema,
    findPart: (kind, key) => defaultParts.find((part) => part.kind === kind && part.key === key)?.source,
    defaultLocale: 'en',
  });
  const { subject = '', text = '', html = '' } = content.en?.email ?? {};
  return { subject, text, html };
}
