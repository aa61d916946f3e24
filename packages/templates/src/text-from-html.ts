import { compile, type Element } from 'html-to-text';
import { Parser } from 'htmlparser2';

/** Characters of HTML that are read; a longer one is cut there. */
const longest = 1_000_000;
/** Tags that are laid out: when none is closed, the time grows with the square of their number. */
const mostTags = 30_000;
/** Columns or rows of one cell, and places of all cells that take more than one, at most. */
const widestCell = 100;
const mostPlaces = 100_000;
/** Rows and columns of a table that are laid out, whose time grows with their square; a larger one is read by rows. */
const largestTable = 1000;
/** Where a list may begin; and how far it is counted in letters or Roman numerals. */
const lastStart = 9999;
const lastRoman = 3999;

/** Around the whole mail, so that there is one place to look through it before it is formatted. */
const root = 'tidings-mail';

const convert = compile({
  wordwrap: false,
  limits: { maxInputLength: longest + 100, maxDepth: 100 },
  baseElements: { selectors: [root] },
  formatters: {
    mail: (element, walk, builder) => {
      tidy(element);
      walk(element.children, builder);
    },
  },
  selectors: [
    { selector: root, format: 'mail' },
    { selector: 'head', format: 'skip' },
    { selector: 'title', format: 'skip' },
    { selector: 'img', format: 'skip' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    { selector: 'table[role="presentation"]', format: 'block' },
  ],
});

/**
 * A text part from rendered HTML: links behind their words, lists with bullets and numbers, tables in columns
 * unless they say they are for layout (`role="presentation"`), nothing of what is hidden or a picture. Never
 * throws: what cannot be laid out is its words alone.
 *
 * It is made of what was rendered and not of the template: there, a list in a loop has one item, whose number
 * would be 1 each time, and a column is as wide as a variable's name.
 */
export function textFromHtml(html: string): string {
  const read = html.slice(0, longest);
  if (hasMoreTags(read)) return wordsOf(read);
  try {
    return convert(`<${root}>${read}</${root}>`);
  } catch {
    return wordsOf(read);
  }
}

const space = { type: 'text', data: ' ' } as unknown as Element;
const lineBreak = { type: 'tag', name: 'br', attribs: {}, children: [] } as unknown as Element;

/** Takes out what is hidden, and numbers that would have a few characters laid out as millions. */
function tidy(mail: Element): void {
  const left: Array<{ element: Element; table?: Element }> = [{ element: mail }];
  const rowsOf = new Map<Element, Element[]>();
  const large = new Set<Element>();
  let places = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { element } = next;
    const table = element.name === 'table' ? element : next.table;
    if (element.children.some(isHidden)) {
      element.children = element.children.filter((child) => !isHidden(child));
    }
    if (element.name === 'ol') boundList(element);
    if (element.name === 'tr' && table !== undefined) {
      const rows = rowsOf.get(table) ?? [];
      rows.push(element);
      rowsOf.set(table, rows);
      if (boundCells(element) > largestTable || rows.length > largestTable) large.add(table);
    }
    for (const child of element.children)
      if (child.children !== undefined) left.push({ element: child, table });
  }
  for (const table of large) {
    table.attribs.role = 'presentation';
    for (const row of rowsOf.get(table) ?? []) {
      for (const cell of row.children) cell.children?.push(space);
      row.children.push(lineBreak);
    }
  }

  /** How many columns a row has. */
  function boundCells(row: Element): number {
    let width = 0;
    for (const { attribs } of row.children) {
      if (attribs === undefined) continue;
      const [columns, lines] = [spanOf(attribs.colspan), spanOf(attribs.rowspan)];
      if (columns * lines > 1) places += columns * lines;
      attribs.colspan = String(places > mostPlaces ? 1 : columns);
      attribs.rowspan = String(places > mostPlaces ? 1 : lines);
      width += Number(attribs.colspan);
    }
    return width;
  }
}

function isHidden({ attribs }: Element): boolean {
  if (attribs === undefined) return false;
  return attribs.hidden !== undefined || /(?:^|;)\s*display\s*:\s*none\b/i.test(attribs.style ?? '');
}

function spanOf(value: string | undefined): number {
  const span = Number.parseInt(value ?? '', 10);
  return span >= 1 ? Math.min(span, widestCell) : 1;
}

function boundList({ attribs, children }: Element): void {
  const start = Number.parseInt(attribs.start ?? '', 10);
  const first = start >= 0 && start <= lastStart ? start : 1;
  attribs.start = String(first);
  if (first === 0 || first + children.length > lastRoman) delete attribs.type;
}

function hasMoreTags(html: string): boolean {
  let tags = 0;
  for (let at = html.indexOf('<'); at !== -1 && tags <= mostTags; at = html.indexOf('<', at + 1)) tags += 1;
  return tags > mostTags;
}

/** Elements without words of the mail. */
const wordless = new Set(['head', 'style', 'script', 'title']);

/** The words of HTML, on a line of their own after each tag, in a time that grows with the length alone. */
function wordsOf(html: string): string {
  let unread = '';

  /** What stands behind the tag that a piece begins with. */
  function behindTag(piece: string): string {
    if (unread === '' && piece.startsWith('!--')) unread = '!--';
    if (unread === '!--') {
      const end = piece.indexOf('-->');
      if (end !== -1) unread = '';
      return end === -1 ? '' : piece.slice(end + 3);
    }
    const [tag = '', slash, name = ''] = /^([/!?]?)([a-z]*)/i.exec(piece.slice(0, 10).toLowerCase()) ?? [];
    if (unread === '' && tag === '') return `<${piece}`;
    if (unread === '' && slash === '' && wordless.has(name)) unread = name;
    else if (slash === '/' && name === unread) unread = '';
    const end = piece.indexOf('>');
    return unread === '' && end !== -1 ? piece.slice(end + 1) : '';
  }

  const [first = '', ...rest] = html.split('<');
  let text = '';
  const decoder = new Parser({
    ontext: (words) => {
      text += words;
    },
  });
  decoder.end([first, ...rest.map(behindTag)].join('\n'));
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('\n');
}
