import { compile } from 'html-to-text';

/** Characters of HTML that are read; a longer one is cut there. */
const longest = 1_000_000;

/**
 * A text part from rendered HTML: links behind their words, lists with bullets and numbers, tables in columns
 * unless they say they are for layout (`role="presentation"`), nothing of what is hidden or a picture.
 *
 * It is made of what was rendered and not of the template: there, a list in a loop has one item, whose number
 * would be 1 each time, and a column is as wide as a variable's name.
 */
export const textFromHtml: (html: string) => string = compile({
  wordwrap: false,
  limits: { maxInputLength: longest, maxDepth: 100 },
  selectors: [
    { selector: 'img', format: 'skip' },
    { selector: '[style*="display:none"]', format: 'skip' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    { selector: 'table[role="presentation"]', format: 'block' },
  ],
});
