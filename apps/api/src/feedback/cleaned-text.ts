const longest = 500;

/**
 * What somebody else's server said, fit for the record: one line without control characters, of 500 characters at
 * most. Null for what is no text.
 */
export function cleanedText(said: unknown, maxLength = longest): string | null {
  if (typeof said !== 'string') return null;
  const line = said
    .slice(0, maxLength)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .toWellFormed()
    .trim();
  return line === '' ? null : line;
}
