import {
  type CompiledContent,
  type EmailSource,
  type JsonObject,
  type LintFinding,
  type TemplateSource,
  TidingsError,
} from '@tidings/contracts';
import type { TemplateEngine } from './engine.ts';
import { lintVersion } from './lint/lint-version.ts';
import { markLiquid } from './liquid-marks.ts';
import { compileMjml, type RunMjml } from './mjml/compile.ts';
import { createIntake, type FindPart, PartFault } from './parts.ts';
import type { Schemas } from './schema.ts';

/** A version as it would be published. */
export interface Built {
  content: Record<string, CompiledContent>;
  /** Hashes of the parts that were taken in, by `kind/key`. */
  parts: Record<string, string>;
  /** Errors forbid that it is published. */
  findings: LintFinding[];
}

/** What versions are built with. */
export interface BuildTools {
  engine: TemplateEngine;
  schemas: Schemas;
  runMjml: RunMjml;
}

/** Characters of a version with all its locales, at most: each process that sends with it keeps all of it. */
const largest = 4_000_000;
/** Milliseconds that all MJML of a version may take together. */
const mjmlLimitMs = 20_000;

type Report = (pointer: string, rule: string, detail: string) => void;

/**
 * Makes of what was written what is rendered: layouts and partials taken in, MJML compiled, the preheader in its
 * place; and says what is wrong or doubtful with it. Never throws for what somebody wrote.
 *
 * @throws TidingsError `overloaded` when too many others wait for their MJML.
 */
export async function buildVersion(
  { engine, schemas, runMjml }: BuildTools,
  version: { source: TemplateSource; schema: JsonObject; findPart: FindPart; defaultLocale: string },
): Promise<Built> {
  const { source, schema, findPart, defaultLocale } = version;
  const intake = createIntake(findPart);
  const findings: LintFinding[] = [];
  const report: Report = (pointer, rule, detail) =>
    findings.push({ severity: 'error', rule, pointer, detail: detail.slice(0, 500) });

  for (const { pointer, detail } of schemas.faults(schema, '/schema'))
    report(pointer, 'invalid_schema', detail);
  const content: Record<string, CompiledContent> = {};
  let mjmlMs = 0;
  let mjmlFailed = false;
  let size = 0;
  for (const [locale, { email, push }] of Object.entries(source)) {
    content[locale] = {
      ...(email !== undefined && {
        email: await buildEmail(email, `/content/${locale}/email`),
      }),
      ...(push !== undefined && {
        push: {
          title: takeIn(push.title, `/content/${locale}/push/title`),
          body: takeIn(push.body, `/content/${locale}/push/body`),
          ...(push.url !== undefined && { url: takeIn(push.url, `/content/${locale}/push/url`) }),
          ...(push.data !== undefined && { data: takeInAll(push.data, `/content/${locale}/push/data`) }),
        },
      }),
    };
    const { html = '', text = '' } = content[locale]?.email ?? {};
    size += html.length + text.length;
    if (size > largest) {
      const detail = `has more than ${largest} characters in all its locales with their layouts`;
      report('/content', 'too_large', detail);
      break;
    }
  }
  if (findings.length === 0) findings.push(...checkedLint());
  return { content, parts: intake.used(), findings };

  async function buildEmail(email: EmailSource, at: string): Promise<NonNullable<CompiledContent['email']>> {
    const layout =
      email.layout === undefined
        ? undefined
        : guarded(`${at}/layout`, () => intake.layout(email.layout ?? ''));
    const body = await buildHtml(email, layout, at);
    const preheader =
      email.preheader === undefined ? undefined : takeIn(email.preheader, `${at}/preheader`, 'html');
    const whole = body === undefined || preheader === undefined ? body : withPreheader(body, preheader);
    const pointer = email.mjml === undefined ? `${at}/html` : `${at}/mjml`;
    const html = whole !== undefined && check(whole, 'html', pointer) ? whole : undefined;
    const text = email.text === undefined ? undefined : buildText(email.text, layout?.text, `${at}/text`);
    return {
      subject: takeIn(email.subject, `${at}/subject`),
      ...(html !== undefined && { html }),
      ...(text !== undefined ? { text } : { textFromHtml: true as const }),
    };
  }

  async function buildHtml(
    email: EmailSource,
    layout: { html?: string; mjml?: string } | undefined,
    at: string,
  ): Promise<string | undefined> {
    const { html, mjml } = email;
    const own = mjml ?? html;
    if (own === undefined) return undefined;
    const pointer = mjml === undefined ? `${at}/html` : `${at}/mjml`;
    const around = layout?.mjml ?? layout?.html;
    if (layout !== undefined && around === undefined)
      report(`${at}/layout`, 'layout', 'has neither html nor mjml');
    if (mjml !== undefined && layout?.html !== undefined) {
      report(`${at}/layout`, 'layout', 'is in HTML, and cannot go around MJML');
      return undefined;
    }
    const isMjml = mjml !== undefined || layout?.mjml !== undefined;
    const whole = guarded(pointer, () => {
      const inner = intake.takeIn(own, mjml === undefined ? 'html' : 'mjml');
      if (around === undefined) return inner;
      return intake.wrap(intake.takeIn(around, isMjml ? 'mjml' : 'html'), inner);
    });
    if (whole === undefined || !isMjml) return whole;
    // MJML is told only of Liquid that is whole: marks could not be put back in halves.
    if (!check(whole, 'html', pointer)) return undefined;
    return fromMjml(whole, pointer);
  }

  async function fromMjml(whole: string, pointer: string): Promise<string | undefined> {
    // What the first locale gets wrong the others mostly do too, and nothing is published now.
    if (mjmlFailed) return undefined;
    try {
      if (mjmlMs > mjmlLimitMs) {
        throw new Error(`all locales together take longer than ${mjmlLimitMs / 1000} s to compile`);
      }
      const { html, faults, tookMs } = await compileMjml(runMjml, whole);
      mjmlMs += tookMs;
      for (const { line, message } of faults) report(pointer, 'mjml', `line ${line}: ${message}`);
      mjmlFailed = faults.length > 0;
      return mjmlFailed ? undefined : html;
    } catch (error) {
      if (error instanceof TidingsError) throw error;
      mjmlFailed = true;
      report(pointer, 'mjml', (error as Error).message);
      return undefined;
    }
  }

  function buildText(text: string, layout: string | undefined, pointer: string): string {
    const whole =
      guarded(pointer, () => {
        const inner = intake.takeIn(text, 'text');
        return layout === undefined ? inner : intake.wrap(intake.takeIn(layout, 'text'), inner);
      }) ?? '';
    check(whole, 'text', pointer);
    return whole;
  }

  /** The text with its parts; empty when it is not valid. */
  function takeIn(source: string, pointer: string, form: 'html' | 'text' = 'text'): string {
    const whole = guarded(pointer, () => intake.takeIn(source, form)) ?? '';
    return check(whole, form, pointer) ? whole : '';
  }

  function takeInAll(sources: Record<string, string>, pointer: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(sources).map(([key, source]) => [key, takeIn(source, `${pointer}/${key}`)]),
    );
  }

  /** Is it valid Liquid? */
  function check(text: string, target: 'html' | 'text', pointer: string): boolean {
    try {
      engine.compile(text, target);
      return true;
    } catch (error) {
      report(pointer, 'liquid', firstLine(error));
      return false;
    }
  }

  function guarded<Result>(pointer: string, make: () => Result): Result | undefined {
    try {
      return make();
    } catch (error) {
      report(pointer, error instanceof PartFault ? 'part' : 'liquid', firstLine(error));
      return undefined;
    }
  }

  function checkedLint(): LintFinding[] {
    try {
      return lintVersion({ engine, content, schema, defaultLocale });
    } catch {
      // LiquidJS recurses: tags ten thousand deep are valid, and too deep to be looked through.
      return [{ severity: 'error', rule: 'liquid', pointer: '/content', detail: 'is nested too deeply' }];
    }
  }
}

/** Mail programs show the first text of a mail beside its subject, even when it is hidden in the mail itself. */
function withPreheader(html: string, preheader: string): string {
  const hidden = `\n<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">\n${preheader}</div>`;
  const { text, restore } = markLiquid(html);
  const end = endOfBodyTag(text);
  return end === undefined ? hidden + html : restore(text.slice(0, end)) + hidden + restore(text.slice(end));
}

/** Comments are passed over: with their conditions they hold a `<body>` for Outlook alone. */
function endOfBodyTag(html: string): number | undefined {
  const next = /<!--|<body\b/gi;
  for (let found = next.exec(html); found !== null; found = next.exec(html)) {
    if (found[0] !== '<!--') {
      // Sticky: looked for at this one place, whatever the rest is.
      const body = /<body\b(?:"[^"]*"|'[^']*'|[^>"'])*>/iy;
      body.lastIndex = found.index;
      return body.test(html) ? body.lastIndex : undefined;
    }
    const end = html.indexOf('-->', next.lastIndex);
    if (end === -1) return undefined;
    next.lastIndex = end;
  }
  return undefined;
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
