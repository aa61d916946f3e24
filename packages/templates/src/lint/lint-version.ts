import type { CompiledContent, JsonObject, LintFinding } from '@tidings/contracts';
import { analyzeSync, Tokenizer, TokenKind } from 'liquidjs';
import type { TemplateEngine } from '../engine.ts';
import { pickLocale } from '../locales.ts';
import { lintHtml } from './html-lint.ts';

/** Beyond it the subject is folded (RFC 5322 §2.1.1), and mail programs have long stopped showing it. */
const longSubject = 78;
/** Gmail cuts off what is longer. */
const clippedBytes = 102_400;
/** LiquidJS counts lines from the beginning for each variable: pieces times characters, at most half a second. */
const mostLookedThrough = 200_000_000;
/** What a template knows without its data: the locale it is rendered in, the recipient if there is one, and our own link. */
const known = ['locale', 'recipient', 'unsubscribeUrl'];

/** What stands out in a version whose Liquid is valid, as it would be rendered. */
export function lintVersion(options: {
  engine: TemplateEngine;
  content: Record<string, CompiledContent>;
  schema: JsonObject;
  defaultLocale: string;
}): LintFinding[] {
  const { engine, content, schema, defaultLocale } = options;
  const findings: LintFinding[] = [];
  for (const [locale, { email, push }] of Object.entries(content)) {
    const at = (part: string) => `/content/${locale}/${part}`;
    const parts: Array<[string, string | undefined, 'html' | 'text']> = [
      ['email/subject', email?.subject, 'text'],
      ['email/html', email?.html, 'html'],
      ['email/text', email?.text, 'text'],
      ['push/title', push?.title, 'text'],
      ['push/body', push?.body, 'text'],
      ['push/url', push?.url, 'text'],
      ...Object.entries(push?.data ?? {}).map(([key, source]): (typeof parts)[number] => [
        `push/data/${key}`,
        source,
        'text',
      ]),
    ];
    for (const [part, source, target] of parts) {
      if (source === undefined) continue;
      findings.push(
        ...undeclared(engine, source, target, schema).map((finding) => ({ ...finding, pointer: at(part) })),
      );
    }
    if (email?.html !== undefined) {
      const inHtml = lintHtml(email.html, (path) => isWebUrl(schema, path));
      findings.push(...inHtml.map((finding) => ({ ...finding, pointer: at('email/html') })));
      if (Buffer.byteLength(email.html) > clippedBytes) {
        findings.push(
          warning('large_html', at('email/html'), `is longer than ${clippedBytes} bytes: Gmail clips it`),
        );
      }
    }
    if (push?.url !== undefined) findings.push(...linkFindings(push.url, schema, at('push/url')));
    if (email !== undefined && fixedLength(email.subject) > longSubject) {
      findings.push(warning('long_subject', at('email/subject'), `has more than ${longSubject} characters`));
    }
  }
  return distinct([...findings, ...missingLocale(content, defaultLocale)]);
}

function warning(rule: string, pointer: string, detail: string): LintFinding {
  return { severity: 'warning', rule, pointer, detail };
}

/** Variables that are used and that the schema does not know. If it allows no others, they can never be given. */
function undeclared(
  engine: TemplateEngine,
  source: string,
  target: 'html' | 'text',
  schema: JsonObject,
): Array<Omit<LintFinding, 'pointer'>> {
  const declared = isObject(schema.properties) ? Object.keys(schema.properties) : [];
  const severity = schema.additionalProperties === false ? 'error' : 'warning';
  const pieces = source.match(/\{[{%]/g)?.length ?? 0;
  if (pieces * source.length > mostLookedThrough) {
    const detail = 'is too large to be looked through for undeclared variables';
    return [{ severity: 'warning', rule: 'not_looked_through', detail }];
  }
  const { globals } = analyzeSync(engine.compile(source, target), { partials: false });
  return Object.values(globals).flatMap(([variable]) => {
    const name = String(variable?.segments[0] ?? '');
    if (variable === undefined || declared.includes(name) || known.includes(name)) return [];
    const { row, col } = variable.location;
    const detail = `uses ${name}, which the schema does not declare (line ${row}, column ${col})`;
    return [{ severity, rule: 'undeclared_variable', detail } as const];
  });
}

/** A URL that stands alone is looked at as a link in HTML is. */
function linkFindings(url: string, schema: JsonObject, pointer: string): LintFinding[] {
  const inLink = lintHtml(`<a href="${url}"></a>`, (path) => isWebUrl(schema, path));
  return inLink.filter(({ rule }) => rule === 'unchecked_link').map((finding) => ({ ...finding, pointer }));
}

/** Does the schema hold what is at this path to be a web address, or one of a few texts? */
function isWebUrl(schema: JsonObject, path: string[]): boolean {
  const isOurs = path.length === 1 && path[0] === 'unsubscribeUrl' && !declares(schema, 'unsubscribeUrl');
  if (isOurs) return true;
  let at: unknown = schema;
  for (const segment of path) {
    if (!isObject(at)) return false;
    const { properties, items } = at;
    if (segment === '*') at = items;
    else at = isObject(properties) && Object.hasOwn(properties, segment) ? properties[segment] : undefined;
  }
  return isObject(at) && (at.format === 'http-url' || Array.isArray(at.enum) || typeof at.const === 'string');
}

function declares({ properties }: JsonObject, name: string): boolean {
  return isObject(properties) && Object.hasOwn(properties, name);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Characters of a source that are there whatever the data. */
function fixedLength(source: string): number {
  const fixed = new Tokenizer(source).readTopLevelTokens().filter(({ kind }) => kind === TokenKind.HTML);
  return fixed.reduce((sum, { begin, end }) => sum + end - begin, 0);
}

/** Channels that have no content for the project's own locale. */
function missingLocale(content: Record<string, CompiledContent>, defaultLocale: string): LintFinding[] {
  return (['email', 'push'] as const).flatMap((channel) => {
    const offered = Object.values(content).some((one) => one[channel] !== undefined);
    const [language] = defaultLocale.toLowerCase().split('-');
    const found = pickLocale(content, channel, defaultLocale, defaultLocale)?.toLowerCase();
    if (!offered || found === language || found?.startsWith(`${language}-`)) return [];
    const detail = `has no ${channel} content in ${defaultLocale}, the locale of the project`;
    return [warning('missing_locale', '/content', detail)];
  });
}

function distinct(findings: LintFinding[]): LintFinding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...seen.values()].slice(0, 100);
}
