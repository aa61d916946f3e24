export { type BuildTools, type Built, buildVersion } from './build.ts';
export { checkContent } from './check.ts';
export { defaultParts, defaultTemplates } from './defaults/index.ts';
export { createTemplateEngine, type TemplateEngine } from './engine.ts';
export { pickLocale } from './locales.ts';
export { createMjmlThread, type MjmlThread } from './mjml/run.ts';
export { type FindPart, hashPart } from './parts.ts';
export { renderEmail, renderPush } from './render.ts';
export { type CheckData, createSchemas, type Schemas, schemaFromVariables } from './schema.ts';
