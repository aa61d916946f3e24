import type { JsonObject, TemplateSource } from '@tidings/contracts';
import type { TemplateRow } from '@tidings/db';
import { schemaFromVariables } from '@tidings/templates';

/** The schema of a version; those from before there were schemas say it in another way. */
export function schemaOf({ schema, variables }: TemplateRow): JsonObject {
  return schema ?? schemaFromVariables(variables);
}

/** What somebody wrote; in versions from before there were drafts, that is what is rendered. */
export function sourceOf({ source, content }: TemplateRow): TemplateSource {
  return source?.content ?? content;
}

/** Changes whenever the draft does. */
export function revisionOf({ updatedAt, createdAt }: TemplateRow): number {
  return updatedAt ?? createdAt;
}
