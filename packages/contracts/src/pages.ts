import { z } from 'zod';

/** Fields of the input of a list: how many, and from where, by an id of an earlier page. */
export function pageFields<Id extends z.ZodType>(id: Id) {
  return {
    limit: z
      .int()
      .min(1)
      .max(100)
      .default(20)
      .meta({ examples: [20] }),
    after: id.optional().meta({ description: 'Goes on to older ones: `after` of the page before.' }),
    before: id.optional().meta({ description: 'Goes back to newer ones: `before` of the page after.' }),
  };
}

/** Refuses a list's input that names both cursors. */
export function takesOneCursor<Input extends z.ZodObject>(input: Input): Input {
  return input.refine(
    ({ after, before }: { after?: unknown; before?: unknown }) => after === undefined || before === undefined,
    { message: 'takes after or before, not both' },
  );
}

/** A page. `after` leads to older items, `before` to newer ones; null where there are none. */
export function pageOutput<Item extends z.ZodType, Id extends z.ZodType>(item: Item, id: Id) {
  return z.strictObject({ items: z.array(item), after: id.nullable(), before: id.nullable() });
}
