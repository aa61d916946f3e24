import { TidingsError, upsertCategory } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewCategory } from './view.ts';

/** Each is a row of every recipient's preferences, and every worker knows those that are required. */
const categoriesAtMost = 500;

/** `categories.upsert`. */
export const upsert = (store: Store) =>
  mutation(upsertCategory, async (input, context) => {
    const { projectId } = context.principal;
    const known = await store.listCategories(projectId);
    if (known.length >= categoriesAtMost && !known.some(({ key }) => key === input.key)) {
      throw new TidingsError('too_many_categories', {
        detail: `A project has at most ${categoriesAtMost} categories`,
      });
    }
    return viewCategory(
      await store.upsertCategory(actorOf(context), { ...input, projectId, auditId: newId('audit') }),
    );
  });
