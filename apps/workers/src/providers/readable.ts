/** What a provider said, fit for the record: one line, no control characters, at most 500 characters. */
export function readable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 500)
    .toWellFormed();
}

/** Without what we sent in confidence: what a server says is kept on record, and it may quote that. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}
