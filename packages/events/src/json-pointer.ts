/**
 * What stands at a JSON pointer (RFC 6901), or undefined where nothing does. Only own members of objects and elements
 * of arrays are reached: nothing of a prototype, and no length. `-`, the element after the last, is never there.
 */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const token of tokensOf(pointer)) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !isIndex.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Record<string, unknown>)[token];
  }
  return value;
}

/** §4: without leading zeros. */
const isIndex = /^(0|[1-9]\d*)$/;

/** §4: `~1` first, so that `~01` is `~1` and not a slash. */
function tokensOf(pointer: string): string[] {
  const [, ...tokens] = pointer.split('/');
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}
