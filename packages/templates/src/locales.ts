import type { Channel } from '@tidings/contracts';

/** What is tried after all that somebody asked for. */
const lastResort = 'en';

/**
 * The locale to render a channel in: the wanted one, shortened part by part (`zh-Hant-TW` → `zh-Hant` → `zh`,
 * RFC 4647 §3.4), then the project's in the same way, then English, then the first that has content for the
 * channel. Undefined when none has.
 */
export function pickLocale(
  byLocale: Record<string, { [channel in Channel]?: unknown }>,
  channel: Channel,
  wanted: string | null,
  defaultLocale: string = lastResort,
): string | undefined {
  const offered = Object.keys(byLocale).filter((name) => byLocale[name]?.[channel] !== undefined);
  for (const tag of [wanted, defaultLocale, lastResort]) {
    for (let range = tag?.toLowerCase() ?? ''; range !== ''; range = shortened(range)) {
      const found = offered.find((name) => name.toLowerCase() === range);
      if (found !== undefined) return found;
    }
  }
  return offered[0];
}

/** Without its last part, and without a single letter before that, which means nothing alone. */
function shortened(range: string): string {
  return range.replace(/(-[a-z0-9])?(^|-)[a-z0-9]+$/, '');
}
