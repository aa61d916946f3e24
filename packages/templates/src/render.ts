import {
  type CompiledContent,
  type EmailContent,
  type JsonObject,
  type PushContent,
  pushDataFault,
  pushUrlFault,
} from '@tidings/contracts';
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

/** @throws Error when the content cannot be rendered with this data, or becomes a URL that must not be opened. */
export function renderPush(
  engine: TemplateEngine,
  content: PushContent,
  data: JsonObject,
  locale?: string,
): PushContent {
  const globals = globalsFor(locale);
  const rendered = (source: string) => engine.render(source, 'text', data, globals);
  const url = content.url === undefined ? '' : rendered(content.url).trim();
  const extra = Object.fromEntries(
    Object.entries(content.data ?? {}).map(([key, source]) => [key, rendered(source)]),
  );
  const urlFault = url === '' ? undefined : pushUrlFault(url);
  if (urlFault !== undefined) throw new Error(`url ${urlFault}`);
  const dataFault = pushDataFault(extra);
  if (dataFault !== undefined) throw new Error(`data ${dataFault}`);
  return {
    title: rendered(content.title).replace(breaks, ' ').trim(),
    body: rendered(content.body),
    ...(url !== '' && { url }),
    ...(content.data !== undefined && { data: extra }),
  };
}
