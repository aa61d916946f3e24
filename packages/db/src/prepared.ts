import { type Placeholder, sql } from 'drizzle-orm';

/** Values of a prepared statement by the names, or numbers, of its placeholders. */
export type Values = Record<string | number, unknown>;

/**
 * Statements are prepared for so many rows: powers of two, so that few have to be built, which costs more than
 * running one, and any number of rows takes few of them.
 */
const mostRows = 128;

/** Cuts into pieces whose sizes are powers of two, the largest first. */
export function inPowersOfTwo<Item>(items: readonly Item[]): Item[][] {
  const pieces: Item[][] = [];
  let size = mostRows;
  for (let from = 0; from < items.length; from += size) {
    while (size > items.length - from) size /= 2;
    pieces.push(items.slice(from, from + size));
  }
  return pieces;
}

/** A list for IN, brought to a power of two by repeating its last: that changes nothing of what IN means. */
export function padded<Item>(items: readonly Item[]): Item[] {
  const last = items.at(-1);
  if (last === undefined) return [];
  const size = 2 ** Math.ceil(Math.log2(items.length));
  return [...items, ...Array<Item>(size - items.length).fill(last)];
}

/** Placeholders for a list of so many. */
export function placeholders(name: string, size: number): Placeholder[] {
  return Array.from({ length: size }, (_, index) => sql.placeholder(`${name}${index}`));
}

/** The values of a list's placeholders. */
export function listValues(name: string, items: readonly unknown[]): Values {
  return Object.fromEntries(items.map((item, index) => [`${name}${index}`, item]));
}

/**
 * Placeholders for so many rows with these columns. They are numbered through: an object with thousands of names
 * costs more to fill than SQLite needs to store what it holds, one with numbers is an array.
 */
export function placeholderRows<Key extends string>(
  keys: readonly Key[],
  size: number,
): Array<Record<Key, Placeholder>> {
  return Array.from({ length: size }, (_, row) => {
    const named = keys.map((key, column) => [key, sql.placeholder(`${row * keys.length + column}`)]);
    return Object.fromEntries(named) as Record<Key, Placeholder>;
  });
}

/** The values of rows' placeholders, with `others` beside them; what a row lacks is null. */
export function rowValues<Key extends string>(
  keys: readonly Key[],
  rows: ReadonlyArray<Partial<Record<Key, unknown>>>,
  others: Values = {},
): Values {
  const values: Values = { ...others };
  let at = 0;
  for (const row of rows) {
    for (const key of keys) {
      values[at] = row[key] ?? null;
      at += 1;
    }
  }
  return values;
}
