import { type ErrorDetail, escapeToken, TidingsError } from '@tidings/contracts';

/** Deeper nesting than this is refused. */
export const maxDepth = 32;

/** An answer names at most this many faults: a body of faults must not make a larger answer. */
export const maxFaults = 100;

/**
 * Parses a body that nobody has looked at yet, and refuses what JSON.parse lets through but a record must not
 * hold: nesting beyond 32, duplicate keys (RFC 8259 §4 leaves them undefined), `__proto__`, numbers beyond
 * a double, NUL characters and lone surrogates.
 *
 * @throws TidingsError `invalid_json`, with the place of the fault where there is one.
 */
export function parseJson(text: string): unknown {
  const { value, shape } = parseBounded(text);
  const faults: ErrorDetail[] = [];
  const members = walk(value, '', faults);
  if (faults.length > 0) throw new TidingsError('invalid_json', { errors: faults.slice(0, maxFaults) });
  if (members !== shape.members) {
    throw new TidingsError('invalid_json', { detail: 'An object of the body has the same key twice' });
  }
  return value;
}

const lenientUtf8 = new TextDecoder();

/**
 * Parses what a provider has signed. Nothing of it is refused but what is no JSON, or nested beyond 32: it quotes other
 * people's servers, and a character that one of them thought of must not cost what is told of all others.
 *
 * @throws TidingsError `invalid_json`
 */
export function parseForeignJson(body: Uint8Array): unknown {
  return parseBounded(lenientUtf8.decode(body)).value;
}

function parseBounded(text: string): { value: unknown; shape: Shape } {
  const shape = scan(text);
  if (shape.depth > maxDepth) {
    throw new TidingsError('invalid_json', { detail: `The body is nested deeper than ${maxDepth} levels` });
  }
  try {
    return { value: JSON.parse(text) as unknown, shape };
  } catch (cause) {
    throw new TidingsError('invalid_json', { cause });
  }
}

interface Shape {
  depth: number;
  members: number;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Depth and number of object members of a JSON text, in one pass that cannot recurse. Counting the members
 * shows duplicates: JSON.parse keeps only one of each.
 */
function scan(text: string): Shape {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    } else if (code === colon) {
      members += 1;
    }
  }
  return { depth: deepest, members };
}

/** The place of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) return at;
  }
  return text.length;
}

/** Counts the members of all objects and notes what must not be there. Depth is already bounded. */
function walk(value: unknown, pointer: string, faults: ErrorDetail[]): number {
  if (typeof value === 'string') {
    if (!isStorable(value)) {
      faults.push({ pointer, detail: 'must not contain NUL characters or lone surrogates' });
    }
    return 0;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) faults.push({ pointer, detail: 'is beyond the range of a number' });
    return 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, item, index) => sum + walk(item, `${pointer}/${index}`, faults), 0);
  }
  let members = 0;
  for (const [key, item] of Object.entries(value)) {
    const place = `${pointer}/${escapeToken(key)}`;
    if (key === '__proto__' || !isStorable(key))
      faults.push({ pointer: place, detail: 'is not a usable key' });
    members += 1 + walk(item, place, faults);
  }
  return members;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
