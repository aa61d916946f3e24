import { setPreferenceDefaults } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { checkWords } from './given-words.ts';
import { viewWords } from './view.ts';

/** `preferenceDefaults.set`. */
export const setDefaults = (store: Store) =>
  mutation(setPreferenceDefaults, async (input, context) => {
    const { projectId } = context.principal;
    const [known, categories] = await Promise.all([
      store.listPreferenceDefaults(projectId),
      store.listCategories(projectId),
    ]);
    const words = checkWords(input.preferences, { words: known, categories });
    if (words.length === 0) return { preferences: viewWords(known) };
    await store.setPreferenceDefaults(actorOf(context), { projectId, words, auditId: newId('audit') });
    return { preferences: viewWords(await store.listPreferenceDefaults(projectId)) };
  });
