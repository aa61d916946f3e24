import type { TemplateVersion } from '@tidings/contracts';
import { newId } from '@tidings/runtime';
import { defaultTemplates } from '@tidings/templates';

/** The default templates under new ids: what a project begins with. */
export function firstTemplates(): Array<TemplateVersion & { id: string }> {
  return defaultTemplates.map((template) => ({ ...template, id: newId('template') }));
}
