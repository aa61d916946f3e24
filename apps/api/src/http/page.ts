/** A page, and the cursors to those beside it; null where there is none. */
export interface Page<Item> {
  items: Item[];
  /** Leads to older items. */
  after: string | null;
  /** Leads to newer ones. */
  before: string | null;
}

/**
 * The page that was asked for. `found` is what the store found from the cursor on, one more than asked for when
 * there is more: newest first, or with `before`, which goes back to newer ones, oldest first.
 */
export function pageOf<Item extends { id: string }>(
  found: Item[],
  asked: { limit: number; after?: string; before?: string },
): Page<Item> {
  const more = found.length > asked.limit;
  const backwards = asked.before !== undefined;
  const items = found.slice(0, asked.limit);
  if (backwards) items.reverse();
  const hasNewer = backwards ? more : asked.after !== undefined;
  const hasOlder = backwards ? true : more;
  return {
    items,
    after: hasOlder ? (items.at(-1)?.id ?? null) : null,
    before: hasNewer ? (items[0]?.id ?? null) : null,
  };
}
