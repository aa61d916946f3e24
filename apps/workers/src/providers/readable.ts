/** What a provider said, fit for the record: one line, no control characters, at most 500 characters. */
export function readable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 500)
    .toWellFormed();
}
