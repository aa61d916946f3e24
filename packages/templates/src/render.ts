import type { CompiledContent, EmailContent, JsonObject, PushContent } from '@tidings/contracts';
import type { TemplateEngine } from './engine.ts';
import { textFromHtml } from './text-from-html.ts';

/** A subject is one line: breaks and other control characters become spaces. */
const breaks = /\p{Cc}+/gu;

/**
 * What a template knows beside its data: `{{ locale }}` is the one that it is rendered in, `{{ unsubscribeUrl }}` where
 * the recipient can unsubscribe from the message's category, nothing where it cannot.
 */
const globalsFor = (locale: string | undefined, unsubscribeUrl?: string) =>
  locale === undefined && unsubscribeUrl === undefined ? undefined : { locale, unsubscribeUrl };

/** @throws Error when the content cannot be rendered with this data. */
export function renderEmail(
  engine: TemplateEngine,
  content: NonNullable<CompiledContent['email']>,
  data: JsonObject,
  locale?: string,
  unsubscribeUrl?: string,
): EmailContent {
  const globals = globalsFor(locale, unsubscribeUrl);
  const html = content.html === undefined ? undefined : engine.render(content.html, 'html', data, globals);
  const text = content.text === undefined ? undefined : engine.render(content.text, 'text', data, globals);
  const madeText = content.textFromHtml && html !== undefined ? textFromHtml(html) : undefined;
  const allText = text ?? madeText;
  return {
    subject: engine.render(content.subject, 'text', data, globals).replace(breaks, ' ').trim(),
    ...(html !== undefined && { html }),
    ...(allText !== undefined && { text: allText }),
  };
}

/** @throws Error when the content cannot be rendered with this data. */
export function renderPush(
  engine: TemplateEngine,
  content: PushContent,
  data: JsonObject,
  locale?: string,
): PushContent {
  const globals = globalsFor(locale);
  return {
    title: engine.render(content.title, 'text', data, globals).replace(breaks, ' ').trim(),
    body: engine.render(content.body, 'text', data, globals),
  };
}
