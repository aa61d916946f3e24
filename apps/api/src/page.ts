/**
 * A page of a list, newest first, from rows of which the store read one more than asked for. Pages go by id, so
 * that what arrives meanwhile neither repeats nor hides anything.
 */
export function toPage<Row, Item extends { id: string }>(
  found: Row[],
  asked: { limit: number; after?: string; before?: string },
  view: (row: Row) => Item,
): { items: Item[]; after: string | null; before: string | null } {
  const more = found.length > asked.limit;
  const backwards = asked.before !== undefined;
  const page = found.slice(0, asked.limit);
  if (backwards) page.reverse();
  const items = page.map(view);
  const hasNewer = backwards ? more : asked.after !== undefined;
  const hasOlder = backwards ? true : more;
  return {
    items,
    after: hasOlder ? (items.at(-1)?.id ?? null) : null,
    before: hasNewer ? (items[0]?.id ?? null) : null,
  };
}
