/** A page of a list as it is answered: `after` leads to older items, `before` to newer ones. */
export interface Page<View> {
  items: View[];
  after: string | null;
  before: string | null;
}

/**
 * Makes a page of what the store found: one row more than asked for when there are more, newest first, or with
 * `before` oldest first.
 */
export function pageOf<Row, View extends { id: string }>(
  found: Row[],
  asked: { limit: number; after?: string; before?: string },
  view: (row: Row) => View,
): Page<View> {
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
