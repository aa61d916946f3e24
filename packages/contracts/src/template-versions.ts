import { z } from 'zod';
import { onAmbiguousKinds, pushContent } from './content.ts';
import { freeText, jsonObject, lineOfText, locale } from './text.ts';

/** Name of a layout or a partial. */
export const partKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/, 'must be a key such as order-lines')
  .meta({ examples: ['default'] });

/** What is written for an e-mail: Liquid in HTML or MJML. HTML is escaped, text and subject are not. */
export const emailSource = z
  .strictObject({
    subject: freeText(998).min(1),
    preheader: freeText(500).optional().meta({ description: 'What mail programs show beside the subject.' }),
    html: freeText(512 * 1024).optional(),
    mjml: freeText(512 * 1024)
      .optional()
      .meta({ description: 'MJML in the place of HTML; compiled when the version is published.' }),
    text: freeText(512 * 1024)
      .optional()
      .meta({ description: 'Left out, it is made from the HTML of each message.' }),
    layout: partKey.optional().meta({ description: 'The layout around it, taken in at publish.' }),
  })
  .refine(({ html, mjml, text }) => html !== undefined || mjml !== undefined || text !== undefined, {
    message: 'needs html, mjml or text',
  })
  .refine(({ html, mjml }) => html === undefined || mjml === undefined, {
    message: 'takes html or mjml, not both',
  });
export type EmailSource = z.infer<typeof emailSource>;

/** What is written for one locale. At least one channel. */
export const localeSource = z
  .strictObject({ email: emailSource.optional(), push: pushContent.optional() })
  .refine(({ email, push }) => email !== undefined || push !== undefined, {
    message: 'needs content for email, push or both',
  });
export type LocaleSource = z.infer<typeof localeSource>;

/** What is written, by locale. */
export const templateSource = z
  .record(locale, localeSource)
  .refine((byLocale) => Object.keys(byLocale).length > 0, { message: 'needs content for a locale' })
  .refine((byLocale) => Object.keys(byLocale).length <= 100, { message: 'has more than 100 locales' })
  .refine((byLocale) => areDistinct(Object.keys(byLocale)), {
    message: 'has one locale in two spellings',
  })
  .meta({ examples: [{ en: { push: { title: 'On its way', body: 'Order {{ order }} has left.' } } }] });
export type TemplateSource = z.infer<typeof templateSource>;

function areDistinct(locales: string[]): boolean {
  return new Set(locales.map((name) => name.toLowerCase())).size === locales.length;
}

/** What somebody writes of a version. */
export const versionFields = {
  content: templateSource,
  schema: jsonObject.optional().meta({
    description:
      'JSON Schema (draft 2020-12) of the data of a send. Without references to elsewhere; patterns are those of RE2, of at most 500 characters, and match texts of at most 10,000. The format `http-url` is an absolute http or https URL.',
  }),
  category: lineOfText(100).nullable().optional(),
  onAmbiguous: z.enum(onAmbiguousKinds).optional().meta({
    description: 'When nobody knows whether an attempt delivered: send again, or stop as `unknown`.',
  }),
};

/** Something that the lint found. */
export const lintFinding = z.strictObject({
  severity: z.enum(['error', 'warning']),
  rule: z.string(),
  pointer: z.string().meta({ description: 'RFC 6901 JSON pointer into the version: /content/en/email/html' }),
  detail: z.string(),
});
export type LintFinding = z.infer<typeof lintFinding>;

/** One version in a list. */
export const versionLine = z.strictObject({
  version: z.int(),
  status: z.enum(['draft', 'published']),
  inUse: z.boolean().meta({ description: 'What a send uses now.' }),
  createdAt: z.iso.datetime(),
  publishedAt: z.iso.datetime().nullable(),
});
export type VersionLine = z.infer<typeof versionLine>;
