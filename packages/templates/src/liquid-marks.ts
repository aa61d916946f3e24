import { randomBytes } from 'node:crypto';
import { Tokenizer, TokenKind } from 'liquidjs';

/** A source with a word in the place of each piece of Liquid, so that a parser of HTML or MJML leaves them alone. */
export interface Marked {
  text: string;
  pieces: string[];
  /** Where each piece begins in the source. */
  begins: number[];
  /** Names the piece that a word stands for, if it does for one. */
  mark: RegExp;
  /** Puts the pieces back. */
  restore(text: string): string;
}

/**
 * `place` may say what stands for a piece other than its word; the word must be in it. It is told what came since
 * the piece before, words included.
 */
export function markLiquid(
  source: string,
  place: (word: string, since: string, isTag: boolean) => string = (word) => word,
): Marked {
  // Not to be guessed: a source that holds the words itself would get pieces where it has none.
  const nonce = `lq${randomBytes(6).toString('hex')}n`;
  const pieces: string[] = [];
  const begins: number[] = [];
  let text = '';
  let since = '';
  let at = 0;
  for (const token of new Tokenizer(source).readTopLevelTokens()) {
    if (token.kind === TokenKind.HTML) continue;
    since += source.slice(at, token.begin);
    text += source.slice(at, token.begin);
    const word = `${nonce}${pieces.length}z`;
    pieces.push(source.slice(token.begin, token.end));
    begins.push(token.begin);
    const standing = place(word, since, token.kind === TokenKind.Tag);
    text += standing;
    since = standing;
    at = token.end;
  }
  text += source.slice(at);
  const mark = new RegExp(`${nonce}(\\d+)z`, 'g');
  return {
    text,
    pieces,
    begins,
    mark,
    restore: (changed) => changed.replaceAll(mark, (_, index: string) => pieces[Number(index)] ?? ''),
  };
}
