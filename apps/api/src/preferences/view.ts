import { channels, type PreferencesView, preferenceOf, type Word, wordsOf } from '@tidings/contracts';
import type { RecipientPreferences } from '@tidings/db';

/** What holds for a recipient, by the same rule that decides at delivery. */
export function viewPreferences(found: RecipientPreferences): PreferencesView {
  const { recipient, words, defaults, categories } = found;
  const declared = new Map(categories.map((category) => [category.key, category]));
  const named = words.map(({ category }) => category).filter((key) => key !== '' && !declared.has(key));
  const said = { recipient: wordsOf(words), project: wordsOf(defaults) };
  return {
    recipientId: recipient.id,
    categories: [null, ...declared.keys(), ...[...new Set(named)].sort()].map((key) => {
      const { name = null, description = null, required = false } = declared.get(key ?? '') ?? {};
      return {
        key,
        name,
        description,
        required,
        channels: channels.map((channel) => ({
          channel,
          ...preferenceOf({ channel, category: key, isRequired: required, ...said }),
        })),
      };
    }),
    quietHours: recipient.quietHours,
    timezone: recipient.timezone,
    locale: recipient.locale,
  };
}

/** Words in the order of channels and categories; null is the channel as a whole. */
export function viewWords(words: Word[]) {
  const inOrder = words.toSorted(
    (one, other) =>
      channels.indexOf(one.channel) - channels.indexOf(other.channel) ||
      (one.category < other.category ? -1 : 1),
  );
  return inOrder.map(({ channel, category, enabled }) => ({
    channel,
    category: category === '' ? null : category,
    enabled,
  }));
}
