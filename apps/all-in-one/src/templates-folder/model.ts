import {
  type LocaleSource,
  locale as localeSchema,
  type OnAmbiguous,
  onAmbiguousKinds,
  type PartKind,
  type PartSource,
  partKey,
  type TemplateSource,
  templateKey,
  templateSource,
} from '@tidings/contracts';
import { parse, stringify } from 'yaml';

/** A template as a folder holds it. */
export interface FolderTemplate {
  category: string | null;
  onAmbiguous: OnAmbiguous;
  schema: Record<string, unknown>;
  content: TemplateSource;
}

/** Everything that a folder holds: templates by key, parts by `kind/key`. */
export interface FolderModel {
  templates: Map<string, FolderTemplate>;
  parts: Map<string, PartSource>;
}

/** Texts by path, with `/` between names. */
export type Files = Map<string, string>;

/** What is wrong with a folder, in words for whoever keeps it. */
export class FolderError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FolderError';
  }
}

const partFolders: Record<PartKind, string> = { layout: '_layouts', partial: '_partials' };
const partForms = { html: 'html.liquid', mjml: 'mjml', text: 'text.liquid' } as const;

/**
 * Files of a locale, by channel and field. One line ends with a line break in its file, as editors have it, and
 * without it in the template; whatever may have many lines is the file to the octet. A line break may be CRLF, as
 * git has them on Windows.
 */
const localeFiles = [
  { name: 'email.subject.liquid', channel: 'email', field: 'subject', line: true },
  { name: 'email.preheader.liquid', channel: 'email', field: 'preheader', line: true },
  { name: 'email.layout', channel: 'email', field: 'layout', line: true },
  { name: 'email.html.liquid', channel: 'email', field: 'html', line: false },
  { name: 'email.mjml', channel: 'email', field: 'mjml', line: false },
  { name: 'email.text.liquid', channel: 'email', field: 'text', line: false },
  { name: 'push.title.liquid', channel: 'push', field: 'title', line: true },
  { name: 'push.body.liquid', channel: 'push', field: 'body', line: true },
  { name: 'push.url.liquid', channel: 'push', field: 'url', line: true },
] as const;
/** The data of a push: its keys are no names of files. */
const dataFile = 'push.data.yaml';

/** The files of one template. The same template makes the same files, to the octet. */
export function templateFiles(key: string, template: FolderTemplate): Files {
  const { category, onAmbiguous, schema, content } = template;
  const files: Files = new Map();
  const settings = { ...(category !== null && { category }), onAmbiguous, schema };
  files.set(`${key}/template.yaml`, stringify(settings, { lineWidth: 100 }));
  for (const [locale, source] of Object.entries(content)) {
    for (const { name, channel, field, line } of localeFiles) {
      const text = (source[channel] as Record<string, string | undefined> | undefined)?.[field];
      if (text !== undefined) files.set(`${key}/${locale}/${name}`, line ? `${text}\n` : text);
    }
    const data = source.push?.data;
    if (data !== undefined) files.set(`${key}/${locale}/${dataFile}`, stringify(data, { lineWidth: 0 }));
  }
  return files;
}

/** The files of one layout or partial, named `kind/key`. */
export function partFiles(name: string, source: PartSource): Files {
  const [kind, key] = name.split('/') as [PartKind, string];
  const files: Files = new Map();
  for (const [form, ending] of Object.entries(partForms)) {
    const text = source[form as keyof PartSource];
    if (text !== undefined) files.set(`${partFolders[kind]}/${key}.${ending}`, text);
  }
  return files;
}

/** @throws FolderError for a file that has no place in such a folder, and for what is no template. */
export function modelOf(files: Files): FolderModel {
  const model: FolderModel = { templates: new Map(), parts: new Map() };
  const locales = new Map<string, Record<string, LocaleSource>>();
  for (const [path, text] of files) {
    const names = path.split('/');
    if (names.length === 2 && names[1] === 'template.yaml') {
      model.templates.set(keyOf(names[0], path), { ...settingsOf(path, text), content: {} });
    } else if (names.length === 2) readPart(model, path, text);
    else if (names.length === 3) readLocaleFile(locales, path, text);
    else throw new FolderError(`${path}: has no place in a folder of templates`);
  }
  for (const [key, content] of locales) {
    const template = model.templates.get(key);
    if (template === undefined) throw new FolderError(`${key}: has no template.yaml`);
    template.content = content;
  }
  for (const [key, { content }] of model.templates) {
    const checked = templateSource.safeParse(content);
    const [issue] = checked.error?.issues ?? [];
    if (issue !== undefined) throw new FolderError(`${[key, ...issue.path].join('/')}: ${issue.message}`);
  }
  return model;
}

function keyOf(name: string | undefined, path: string): string {
  const { success, data } = templateKey.safeParse(name);
  if (!success) throw new FolderError(`${path}: its folder is not the key of a template`);
  return data;
}

function yamlOf(path: string, text: string): unknown {
  try {
    // Aliases can make a short text long.
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new FolderError(`${path}: ${(error as Error).message.split('\n')[0]}`);
  }
}

function settingsOf(path: string, text: string): Omit<FolderTemplate, 'content'> {
  const parsed = yamlOf(path, text);
  const {
    category = null,
    onAmbiguous = 'resend',
    schema = {},
    ...others
  } = (parsed ?? {}) as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new FolderError(`${path}: ${unknown} is not a setting of a template`);
  if (category !== null && typeof category !== 'string')
    throw new FolderError(`${path}: category is no text`);
  if (!onAmbiguousKinds.some((kind) => kind === onAmbiguous)) {
    throw new FolderError(`${path}: onAmbiguous must be one of ${onAmbiguousKinds.join(', ')}`);
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new FolderError(`${path}: schema is no JSON Schema`);
  }
  return { category, onAmbiguous: onAmbiguous as OnAmbiguous, schema: schema as Record<string, unknown> };
}

function readPart(model: FolderModel, path: string, text: string): void {
  const [folder = '', file = ''] = path.split('/');
  const kind = (Object.keys(partFolders) as PartKind[]).find((name) => partFolders[name] === folder);
  const form = (Object.keys(partForms) as Array<keyof PartSource>).find((name) =>
    file.endsWith(`.${partForms[name]}`),
  );
  const key = form === undefined ? '' : file.slice(0, -`.${partForms[form]}`.length);
  if (kind === undefined || form === undefined || !partKey.safeParse(key).success) {
    throw new FolderError(`${path}: has no place in a folder of templates`);
  }
  const part = model.parts.get(`${kind}/${key}`) ?? {};
  part[form] = text;
  model.parts.set(`${kind}/${key}`, part);
}

function readLocaleFile(
  locales: Map<string, Record<string, LocaleSource>>,
  path: string,
  text: string,
): void {
  const [first, locale = '', name] = path.split('/');
  const key = keyOf(first, path);
  const file =
    name === dataFile
      ? ({ channel: 'push', field: 'data' } as const)
      : localeFiles.find((one) => one.name === name);
  if (file === undefined || !localeSchema.safeParse(locale).success) {
    throw new FolderError(`${path}: has no place in a folder of templates`);
  }
  const content = locales.get(key) ?? {};
  locales.set(key, content);
  const source: Record<string, Record<string, unknown> | undefined> = content[locale] ?? {};
  content[locale] = source as LocaleSource;
  const fields = source[file.channel] ?? {};
  source[file.channel] = fields;
  if (file.field === 'data') fields.data = yamlOf(path, text);
  else fields[file.field] = file.line ? text.replace(/\r?\n$/, '') : text;
}
