import { hash } from 'node:crypto';
import type { PartKind, PartSource } from '@tidings/contracts';
import { type TagToken, Tokenizer, TokenKind } from 'liquidjs';

/** Finds a part of the project; undefined when there is none of this name. */
export type FindPart = (kind: PartKind, key: string) => PartSource | undefined;

/** In which of its forms a part is wanted. */
export type PartForm = 'html' | 'mjml' | 'text';

/** Partials within partials, at most. */
const deepest = 8;
/** Characters of one source with its parts taken in, at most: as many as the engine parses. */
const longest = 1_000_000;

/** What cannot be taken in, in words for whoever wrote it. */
export class PartFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PartFault';
  }
}

/**
 * Takes layouts and partials in, so that what comes out needs nothing else: `{% render 'key', name: value %}`
 * becomes the partial's source in a scope of its own, and `{% content %}` of a layout the content. Names every
 * part it used.
 *
 * @throws PartFault when a part is missing, goes round in a circle, or all of it gets too long.
 */
export function createIntake(find: FindPart) {
  const used = new Map<string, string>();

  function partOf(kind: PartKind, key: string): PartSource {
    const part = find(kind, key);
    if (part === undefined) throw new PartFault(`there is no ${kind} "${key}"`);
    used.set(`${kind}/${key}`, hashPart(part));
    return part;
  }

  function takeIn(source: string, form: PartForm, inside: readonly string[] = []): string {
    let result = '';
    let at = 0;
    for (const tag of tagsOf(source)) {
      if (tag.name !== 'render') continue;
      result += source.slice(at, tag.begin) + renderPartial(tag, form, inside);
      at = tag.end;
      if (result.length > longest) throw new PartFault(`is longer than ${longest} characters with its parts`);
    }
    return result + source.slice(at);
  }

  function renderPartial(tag: TagToken, form: PartForm, inside: readonly string[]): string {
    const [, , key = '', values = ''] = /^\s*(['"])([a-z0-9_-]+)\1\s*(?:,([\s\S]*))?$/.exec(tag.args) ?? [];
    if (key === '') throw new PartFault(`${tag.getText()} must be {% render 'key', name: value %}`);
    if (inside.includes(key)) throw new PartFault(`the partial "${key}" contains itself`);
    if (inside.length >= deepest) throw new PartFault(`has more than ${deepest} partials within each other`);
    const part = partOf('partial', key);
    const source = form === 'mjml' ? (part.mjml ?? part.html) : part[form];
    if (source === undefined) throw new PartFault(`the partial "${key}" has no ${form}`);
    const text = tag.getText();
    const open = text.startsWith('{%-') ? '{%-' : '{%';
    const close = text.endsWith('-%}') ? '-%}' : '%}';
    const inner = takeIn(source, form, [...inside, key]);
    return `${open} scope ${values.trim()} %}${inner}{% endscope ${close}`;
  }

  /** Puts a layout's source around the content. */
  function wrap(layout: string, content: string): string {
    const places = tagsOf(layout).filter(({ name }) => name === 'content');
    const [place] = places;
    if (place === undefined || places.length > 1) {
      throw new PartFault('the layout must have {% content %} once');
    }
    return layout.slice(0, place.begin) + content + layout.slice(place.end);
  }

  return {
    takeIn,
    wrap,
    layout: (key: string) => partOf('layout', key),
    /** Hashes of what was used, by `kind/key`. */
    used: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** SHA-256 of what a part says. */
export function hashPart({ html, mjml, text }: PartSource): string {
  return hash('sha256', JSON.stringify([html ?? null, mjml ?? null, text ?? null]), 'hex');
}

/** The tags of a source; what stands within `raw` or `comment` is none. */
function tagsOf(source: string): TagToken[] {
  const tags = new Tokenizer(source)
    .readTopLevelTokens()
    .filter((token) => token.kind === TokenKind.Tag) as TagToken[];
  let inComment = false;
  return tags.filter(({ name }) => {
    if (inComment) inComment = name !== 'endcomment';
    else if (name === 'comment') inComment = true;
    else return true;
    return false;
  });
}
