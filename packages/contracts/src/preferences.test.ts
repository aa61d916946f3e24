import { describe, expect, test } from 'vitest';
import { type PreferenceSource, preferenceOf, preferenceSources, type Word, wordsOf } from './index.ts';

const words = (category: boolean | undefined, channel: boolean | undefined): Word[] => [
  // What was said of another channel or category is about something else.
  { channel: 'push', category: 'news', enabled: false },
  { channel: 'email', category: 'other', enabled: false },
  { channel: 'push', category: '', enabled: false },
  ...(category === undefined ? [] : [{ channel: 'email' as const, category: 'news', enabled: category }]),
  ...(channel === undefined ? [] : [{ channel: 'email' as const, category: '', enabled: channel }]),
];

type Said = boolean | undefined;
const said: Said[] = [true, false, undefined];

/** The same rule once more, as the sentence that it is read out as. */
function expected(category: string | null, isRequired: boolean, given: Record<PreferenceSource, Said>) {
  if (category !== null && isRequired) return { enabled: true, source: 'required' };
  if (category !== null && given.recipient_category !== undefined)
    return { enabled: given.recipient_category, source: 'recipient_category' };
  if (given.recipient_channel !== undefined)
    return { enabled: given.recipient_channel, source: 'recipient_channel' };
  if (category !== null && given.project_category !== undefined)
    return { enabled: given.project_category, source: 'project_category' };
  if (given.project_channel !== undefined)
    return { enabled: given.project_channel, source: 'project_channel' };
  return { enabled: true, source: 'default' };
}

describe.each([
  ['with a category', 'news'],
  ['without a category', null],
])('a message %s', (_, category) => {
  test.each([true, false])('is decided as the rule reads, required: %s', (isRequired) => {
    const sources = new Set<string>();
    for (const recipient_category of said)
      for (const recipient_channel of said)
        for (const project_category of said)
          for (const project_channel of said) {
            const given = { recipient_category, recipient_channel, project_category, project_channel };
            const found = preferenceOf({
              channel: 'email',
              category,
              isRequired,
              recipient: wordsOf(words(recipient_category, recipient_channel)),
              project: wordsOf(words(project_category, project_channel)),
            });
            expect(found, JSON.stringify(given)).toEqual(
              expected(category, isRequired, { ...given, required: undefined, default: undefined }),
            );
            sources.add(found.source);
          }
    const ofNews = preferenceSources.filter((source) => source !== 'required');
    if (category === null)
      expect([...sources].sort()).toEqual(['default', 'project_channel', 'recipient_channel']);
    else expect([...sources].sort()).toEqual(isRequired ? ['required'] : [...ofNews].sort());
  });
});

test.each<[string, Word[], Word[], boolean]>([
  [
    'who opted out of a channel gets a category back by asking for it',
    [
      { channel: 'email', category: '', enabled: false },
      { channel: 'email', category: 'news', enabled: true },
    ],
    [],
    true,
  ],
  [
    'what the recipient says of the channel beats what the project says of the category',
    [{ channel: 'email', category: '', enabled: true }],
    [{ channel: 'email', category: 'news', enabled: false }],
    true,
  ],
])('%s', (_, recipient, project, enabled) => {
  const rule = { channel: 'email', category: 'news', isRequired: false } as const;
  expect(preferenceOf({ ...rule, recipient: wordsOf(recipient), project: wordsOf(project) }).enabled).toBe(
    enabled,
  );
});
