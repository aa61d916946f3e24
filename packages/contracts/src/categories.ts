import { z } from 'zod';
import { operation } from './operation.ts';
import { lineOfText } from './text.ts';

/** What a category is called in sends, templates and preferences. A path must be able to hold it. */
export const categoryKey = lineOfText(100)
  .refine((key) => key !== '.' && key !== '..', {
    message: 'must not be a dot segment, which no URL can name',
  })
  .meta({ examples: ['newsletter'] });

export const categoryView = z.strictObject({
  key: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  required: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type CategoryView = z.infer<typeof categoryView>;

/** The whole of a category: what is left out is as if it had never been given. */
export const upsertCategoryInput = z.strictObject({
  key: categoryKey,
  name: lineOfText(200).meta({ description: 'What recipients see.', examples: ['Newsletter'] }),
  description: lineOfText(1000).nullable().default(null),
  required: z
    .boolean()
    .default(false)
    .meta({ description: 'Goes out whatever a recipient has said, such as a password reset.' }),
});
export type UpsertCategoryInput = z.infer<typeof upsertCategoryInput>;

export const upsertCategory = operation({
  name: 'categories.upsert',
  summary: 'Declare a category, or declare it anew. One that is only named in a send is an ordinary one.',
  method: 'PUT',
  path: '/v1/categories/{key}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['too_many_categories'],
  input: upsertCategoryInput,
  output: categoryView,
});

export const listCategories = operation({
  name: 'categories.list',
  summary: 'Every declared category, by its key.',
  method: 'GET',
  path: '/v1/categories',
  status: 200,
  access: { scope: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ items: z.array(categoryView) }),
});

export const removeCategory = operation({
  name: 'categories.remove',
  summary: 'Take a declaration back. What was said of the category stays, and it is an ordinary one.',
  method: 'DELETE',
  path: '/v1/categories/{key}',
  status: 200,
  access: { scope: 'manage' },
  errors: ['not_found'],
  input: z.strictObject({ key: categoryKey }),
  output: z.strictObject({ key: z.string() }),
});
