import type { TemplatePartView } from '@tidings/contracts';
import type { TemplatePartRow } from '@tidings/db';
import { toIso } from '../iso.ts';

export function viewTemplatePart({
  kind,
  key,
  source,
  createdAt,
  updatedAt,
}: TemplatePartRow): TemplatePartView {
  return {
    kind,
    key,
    html: source.html ?? null,
    mjml: source.mjml ?? null,
    text: source.text ?? null,
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}
