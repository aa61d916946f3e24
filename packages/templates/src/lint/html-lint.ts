import { Parser } from 'htmlparser2';
import { markLiquid } from '../liquid-marks.ts';
import { createOrigins } from './origins.ts';

/** What is wrong with a place of HTML that has Liquid in it. */
export interface HtmlFinding {
  severity: 'error' | 'warning';
  rule: string;
  detail: string;
}

/** Tags within tags. A parser keeps all that are open, and takes longer for each the more there are. */
const deepest = 10_000;

/** Does it write something that depends on data? */
function isOutput(piece: string): boolean {
  return /^(\{\{|\{%-?\s*(echo|cycle|liquid)\b)/.test(piece);
}

const tooDeep = new Error('tags are nested too deep');

/** Attributes that a mail program may follow. */
const links = new Set(['href', 'src', 'action', 'formaction', 'background', 'poster', 'xlink:href']);

/**
 * Places in HTML where escaping does not help, because what stands there is not text: scripts, styles, names of tags
 * and attributes, attributes without quotes, and the beginnings of links. `isWebUrl` says of a variable (`*` for an
 * item of a list) whether it must be a web address.
 */
export function lintHtml(html: string, isWebUrl: (path: string[]) => boolean): HtmlFinding[] {
  const { text, pieces, mark } = markLiquid(html);
  const findings: HtmlFinding[] = [];
  const mustBeWebUrl = createOrigins(pieces, isWebUrl);
  const outputsIn = (value: string) =>
    [...value.matchAll(mark)].map(([, index]) => pieces[Number(index)] ?? '').filter(isOutput);
  let inside = '';
  let depth = 0;

  function checkAttribute(name: string, value: string, quote: string | null | undefined): void {
    const [inName] = outputsIn(name);
    if (inName !== undefined) {
      error('attribute_place', `${inName} stands in the place of an attribute: it could write any`);
    }
    const [first] = outputsIn(value);
    if (first !== undefined && /^on/i.test(name)) {
      error('script_place', `${first} stands in the event handler ${name}, where escaping does not help`);
    }
    if (first !== undefined && quote === null) {
      error(
        'unquoted_attribute',
        `${first} stands in an attribute without quotes, which its value can leave`,
      );
    }
    if (links.has(name.toLowerCase())) checkLink(name, value);
  }

  function checkLink(name: string, value: string): void {
    const scheme = value.replaceAll(/[\s\p{Cc}]/gu, '').toLowerCase();
    if (/^(javascript:|vbscript:|data:text\/html)/.test(scheme)) {
      error('script_link', `${name} begins with ${value.trim().slice(0, 40)}`);
    }
    const [, index] = /^\s*lq[0-9a-f]+n(\d+)z/.exec(value) ?? [];
    const piece = index === undefined ? undefined : pieces[Number(index)];
    if (piece !== undefined && isOutput(piece) && !mustBeWebUrl(Number(index))) {
      findings.push({
        severity: 'warning',
        rule: 'unchecked_link',
        detail: `${piece} begins a link: declare its variable with "format": "http-url", or any scheme may stand there`,
      });
    }
  }

  function error(rule: string, detail: string): void {
    findings.push({ severity: 'error', rule, detail });
  }

  const parser = new Parser({
    onopentag: (name) => {
      inside = name;
      depth += 1;
      if (depth > deepest) throw tooDeep;
      const [inName] = outputsIn(name);
      if (inName !== undefined)
        error('tag_place', `${inName} stands in the name of a tag: it could write any`);
    },
    onattribute: checkAttribute,
    ontext: (data) => {
      const [first] = outputsIn(data);
      if (first !== undefined && (inside === 'script' || inside === 'style')) {
        error(`${inside}_place`, `${first} stands in <${inside}>, where escaping does not help`);
      }
    },
    onclosetag: () => {
      inside = '';
      depth -= 1;
    },
  });
  try {
    parser.end(text);
  } catch (thrown) {
    if (thrown !== tooDeep) throw thrown;
    error('nesting', `has tags within more than ${deepest} tags; is one never closed?`);
  }
  for (const piece of pieces) {
    if (isOutput(piece) && /\|\s*raw\b/.test(piece)) {
      findings.push({
        severity: 'warning',
        rule: 'unescaped',
        detail: `${piece} is not escaped: whoever gives its value can write any HTML`,
      });
    }
  }
  return findings;
}
