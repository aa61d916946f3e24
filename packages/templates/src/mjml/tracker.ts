/** What MJML passes on as it is: Liquid in there needs no wrapping. */
const endings = new Set([
  'mj-accordion-text',
  'mj-accordion-title',
  'mj-button',
  'mj-html-attributes',
  'mj-navbar-link',
  'mj-preview',
  'mj-raw',
  'mj-social-element',
  'mj-style',
  'mj-table',
  'mj-text',
  'mj-title',
]);

/** Characters of a tag that are kept: more than any component's name has. */
const keptOfTag = 64;

/**
 * Answers, piece by piece of an MJML source, where what comes next stands: between components, in a text (that of a
 * component, or one that has no place), or in markup (a tag or a comment). Each character is looked at once, however
 * many pieces there are.
 */
export function createTracker(): (piece: string) => 'between' | 'text' | 'markup' {
  const open: string[] = [];
  let inside: 'text' | 'tag' | 'comment' = 'text';
  let quote = '';
  let tag = '';
  let last = '';

  function endTag(): void {
    const [, slash, name] = /^<(\/?)(mj-[a-z-]+|mjml)\b/.exec(tag) ?? [];
    if (name === undefined) return;
    if (slash === '/') open.pop();
    else if (last !== '/') open.push(name);
  }

  function readInTag(character: string): void {
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') {
      inside = 'text';
      endTag();
    }
    if (tag.length < keptOfTag) tag += character;
    if (tag === '<!--') inside = 'comment';
    last = character;
  }

  return (piece) => {
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece[at] ?? '';
      if (inside === 'tag') readInTag(character);
      else if (inside === 'comment') {
        if (character === '>' && piece.slice(Math.max(0, at - 2), at) === '--') inside = 'text';
      } else if (character === '<' && /[a-z/!]/i.test(piece[at + 1] ?? '')) {
        [inside, tag, quote, last] = ['tag', '<', '', '<'];
      }
    }
    const innermost = open.at(-1);
    if (inside !== 'text') return 'markup';
    const isText = innermost === undefined || innermost === 'mjml' || endings.has(innermost);
    return isText ? 'text' : 'between';
  };
}
