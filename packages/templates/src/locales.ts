import type { Channel } from '@tidings/contracts';

/** What is tried after all that somebody asked for. */
const lastResort = 'en';

/** A locale, and which of the rules led to it. */
export interface ChosenLocale {
  locale: string;
  rule: 'wanted' | 'project' | 'english' | 'any';
}

/**
 * The locale to render a channel in: the wanted one, shortened part by part (`zh-Hant-TW` → `zh-Hant` → `zh`,
 * RFC 4647 §3.4), then the project's in the same way, then English, then the first that has content for the
 * channel. Undefined when none has.
 */
export function chooseLocale(
  byLocale: Record<string, { [channel in Channel]?: unknown }>,
  channel: Channel,
  wanted: string | null,
  defaultLocale: string = lastResort,
): ChosenLocale | undefined {
  const offered = Object.keys(byLocale).filter((name) => byLocale[name]?.[channel] !== undefined);
  const ranges = [
    ['wanted', wanted],
    ['project', defaultLocale],
    ['english', lastResort],
  ] as const;
  for (const [rule, tag] of ranges) {
    for (let range = tag?.toLowerCase() ?? ''; range !== ''; range = shortened(range)) {
      const locale = offered.find((name) => name.toLowerCase() === range);
      if (locale !== undefined) return { locale, rule };
    }
  }
  const [first] = offered;
  return first === undefined ? undefined : { locale: first, rule: 'any' };
}

/** The locale that `chooseLocale` chooses. */
export function pickLocale(...asked: Parameters<typeof chooseLocale>): string | undefined {
  return chooseLocale(...asked)?.locale;
}

/** Without its last part, and without a single letter before that, which means nothing alone. */
function shortened(range: string): string {
  return range.replace(/(-[a-z0-9])?(^|-)[a-z0-9]+$/, '');
}
