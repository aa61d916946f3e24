import { type ErrorDetail, type GivenWord, TidingsError, type Word } from '@tidings/contracts';
import type { CategoryRow, WordChange } from '@tidings/db';

/** Of a recipient, or of a project: a token in somebody's browser must not fill the record. */
const wordsAtMost = 500;

/**
 * What was given, as words for the record.
 *
 * @throws TidingsError `category_required` where a required category is switched off, `too_many_preferences` when
 * more would be on record than may be.
 */
export function checkWords(
  given: readonly GivenWord[],
  known: { words: readonly Word[]; categories: readonly CategoryRow[] },
): WordChange[] {
  const required = new Set(known.categories.filter((one) => one.required).map(({ key }) => key));
  const errors = given.flatMap(({ category, enabled }, index): ErrorDetail[] =>
    enabled === false && category !== undefined && required.has(category)
      ? [{ pointer: `/preferences/${index}/enabled`, detail: 'cannot be false: the category is required' }]
      : [],
  );
  if (errors.length > 0) throw new TidingsError('category_required', { errors });
  const words = given.map(({ category = '', ...word }) => ({ ...word, category }));
  const isSame = (one: Omit<Word, 'enabled'>) => (other: Omit<Word, 'enabled'>) =>
    one.channel === other.channel && one.category === other.category;
  const added = words.filter((word) => word.enabled !== null && !known.words.some(isSame(word)));
  if (added.length > 0 && known.words.length + added.length > wordsAtMost) {
    throw new TidingsError('too_many_preferences', { detail: `At most ${wordsAtMost} may be on record` });
  }
  return words;
}
