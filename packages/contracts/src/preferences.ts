import type { Channel } from './statuses.ts';

/** Where it comes from that a message may go out or not, the first that has something to say. */
export const preferenceSources = [
  'required',
  'recipient_category',
  'recipient_channel',
  'project_category',
  'project_channel',
  'default',
] as const;
export type PreferenceSource = (typeof preferenceSources)[number];

/** One thing that somebody has said about a channel: of one category or, with the category empty, of all. */
export interface Word {
  channel: Channel;
  category: string;
  enabled: boolean;
}

/** Everything that a recipient, or a project, has said. */
export type Words = ReadonlyMap<string, boolean>;

/** Makes a list of words one that can be looked up. */
export function wordsOf(list: readonly Word[]): Words {
  return new Map(list.map(({ channel, category, enabled }) => [keyOf(channel, category), enabled]));
}

function keyOf(channel: Channel, category: string): string {
  return `${channel} ${category}`;
}

/**
 * May a message of this category go out on this channel, and who says so?
 *
 * From top to bottom: what is required goes out; else the recipient decides, by what it said of the category, else
 * of the channel; else the project, in the same order; and where nobody has said anything it goes out. A message
 * without a category hears only what was said of the channel. Its lane makes no difference.
 */
export function preferenceOf(options: {
  channel: Channel;
  category: string | null;
  isRequired: boolean;
  recipient: Words;
  project: Words;
}): { enabled: boolean; source: PreferenceSource } {
  const { channel, category, isRequired, recipient, project } = options;
  const said = (words: Words, of: string) => words.get(keyOf(channel, of));
  const ofCategory = (words: Words) => (category === null ? undefined : said(words, category));
  const answers: Record<PreferenceSource, boolean | undefined> = {
    required: category !== null && isRequired ? true : undefined,
    recipient_category: ofCategory(recipient),
    recipient_channel: said(recipient, ''),
    project_category: ofCategory(project),
    project_channel: said(project, ''),
    default: true,
  };
  const source = preferenceSources.find((one) => answers[one] !== undefined) ?? 'default';
  return { enabled: answers[source] ?? true, source };
}
