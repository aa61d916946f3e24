import type { EmailContent, JsonObject, PushContent } from '@tidings/contracts';
import type { TemplateEngine } from './engine.ts';

/** A subject is one line: breaks and other control characters become spaces. */
const breaks = /\p{Cc}+/gu;

/** @throws Error when the content cannot be rendered with this data. */
export function renderEmail(engine: TemplateEngine, content: EmailContent, data: JsonObject): EmailContent {
  return {
    subject: engine.render(content.subject, 'text', data).replace(breaks, ' ').trim(),
    ...(content.html !== undefined && { html: engine.render(content.html, 'html', data) }),
    ...(content.text !== undefined && { text: engine.render(content.text, 'text', data) }),
  };
}

/** @throws Error when the content cannot be rendered with this data. */
export function renderPush(engine: TemplateEngine, content: PushContent, data: JsonObject): PushContent {
  return {
    title: engine.render(content.title, 'text', data).replace(breaks, ' ').trim(),
    body: engine.render(content.body, 'text', data),
  };
}

/** The locale of the project when a message names none, or one that no content exists for. */
export const defaultLocale = 'en';

/**
 * The content for a locale: the exact one, then its language (`fr-CA` → `fr`), then the default, then
 * whatever there is.
 */
export function pickLocale<Content>(
  byLocale: Record<string, Content>,
  wanted: string | null,
): Content | undefined {
  const language = wanted?.split('-')[0];
  for (const locale of [wanted, language, defaultLocale]) {
    if (locale && Object.hasOwn(byLocale, locale)) return byLocale[locale];
  }
  return Object.values(byLocale)[0];
}
