import { markLiquid } from '../liquid-marks.ts';
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
}

const faultsAtMost = 50;

/** Compiles MJML without Liquid in it. Rejects when it takes too long. */
export type RunMjml = (source: string) => Promise<MjmlResult>;

/**
 * Compiles MJML with Liquid in it, which comes through as it was: in attributes and texts, and as tags between
 * components, where MJML itself would drop it. Includes are refused: they would read files.
 */
export async function compileMjml(run: RunMjml, source: string): Promise<MjmlResult> {
  const include = /<mj-include\b/i.exec(source);
  if (include !== null) {
    return {
      html: '',
      faults: [{ line: lineAt(source, include.index), message: 'mj-include is not allowed' }],
    };
  }
  const isBetween = createTracker();
  const marked = markLiquid(source, (word, since, isTag) => {
    // Asked for each piece: it has to see all of the text.
    const between = isBetween(since);
    return isTag && between ? `<mj-raw>${word}</mj-raw>` : word;
  });
  const { html, faults } = await run(marked.text);
  return {
    html: marked.restore(html),
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
