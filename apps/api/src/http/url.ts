/** Is every escape of it one, and UTF-8 (RFC 3986 §2.1)? */
export function isWellEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** The names of those fields of a URL's query that `URLSearchParams` would change rather than decode. */
export function misencodedFields({ search }: URL): string[] {
  const pairs = search.slice(1).split('&');
  return pairs
    .filter((pair) => !isWellEncoded(pair))
    .flatMap((pair) => [...new URLSearchParams(pair).keys()]);
}
