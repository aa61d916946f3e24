import { type Marked, markLiquid } from '../liquid-marks.ts';
import { createTracker } from './tracker.ts';

/** What is wrong with a piece of MJML. */
export interface MjmlFault {
  line: number;
  message: string;
}

/** What MJML became, and what was wrong with it. */
export interface MjmlResult {
  html: string;
  faults: MjmlFault[];
  /** How long it was worked on, without the wait for others, in milliseconds. */
  tookMs: number;
}

const faultsAtMost = 50;

/** Compiles MJML without Liquid in it. Rejects when it takes too long. */
export type RunMjml = (source: string) => Promise<MjmlResult>;

/**
 * Compiles MJML with Liquid in it, which comes through as it was: in attributes and texts, and as tags between
 * components, where MJML itself would drop it. Where it has no place at all, as before `<mjml>`, it is a fault.
 * Includes are refused: they would read files.
 */
export async function compileMjml(run: RunMjml, source: string): Promise<MjmlResult> {
  const include = /<mj-include\b/i.exec(source);
  if (include !== null) {
    return {
      html: '',
      faults: [{ line: lineAt(source, include.index), message: 'mj-include is not allowed' }],
      tookMs: 0,
    };
  }
  const placeOfNext = createTracker();
  const inTexts: number[] = [];
  let count = 0;
  const marked = markLiquid(source, (word, since, isTag) => {
    // Asked for each piece: it has to see all of the text.
    const place = placeOfNext(since);
    if (place !== 'markup') inTexts.push(count);
    count += 1;
    return isTag && place === 'between' ? `<mj-raw>${word}</mj-raw>` : word;
  });
  const { html, faults, tookMs } = await run(marked.text);
  if (faults.length === 0) {
    const lost = lostOf(inTexts, marked, html);
    if (lost.length > 0) {
      const message = (index: number) =>
        `${marked.pieces[index]} has no place there and would be lost: put it into mj-head, mj-body or a text`;
      const found = lost.map((index) => ({
        line: lineAt(source, marked.begins[index] ?? 0),
        message: message(index),
      }));
      return { html: '', faults: found, tookMs };
    }
  }
  return {
    html: marked.restore(html),
    tookMs,
    // What else is wrong is told when these are mended.
    faults: faults
      .slice(0, faultsAtMost)
      // What a variable holds is not known: MJML may not call it a bad colour.
      .filter(({ message }) => message.search(marked.mark) === -1)
      .map(({ line, message }) => ({
        line: line + linesWithin(marked.text, line, marked.pieces, marked.mark),
        message,
      })),
  };
}

/** Pieces that MJML left out, but for comments and what is in them. */
function lostOf(inTexts: number[], { pieces, mark }: Marked, html: string): number[] {
  const kept = new Set([...html.matchAll(mark)].map(([, index]) => Number(index)));
  const commented = commentedOut(pieces);
  return inTexts.filter((index) => !kept.has(index) && !commented.has(index)).slice(0, faultsAtMost);
}

function commentedOut(pieces: string[]): Set<number> {
  const found = new Set<number>();
  let inside = false;
  for (const [index, piece] of pieces.entries()) {
    const [, name] = /^\{%-?\s*(\w+|#)/.exec(piece) ?? [];
    if (name === 'comment') inside = true;
    if (inside || name === '#') found.add(index);
    if (name === 'endcomment') inside = false;
  }
  return found;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** Lines that pieces of Liquid had above this line, and their words do not have. */
function linesWithin(text: string, line: number, pieces: string[], mark: RegExp): number {
  const above = text
    .split('\n')
    .slice(0, Math.max(0, line - 1))
    .join('\n');
  const breaks = [...above.matchAll(mark)].map(
    ([, index]) => (pieces[Number(index)] ?? '').split('\n').length - 1,
  );
  return breaks.reduce((sum, count) => sum + count, 0);
}
