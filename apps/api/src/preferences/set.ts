import { setPreferences, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { checkWords } from './given-words.ts';
import { viewPreferences } from './view.ts';
import { preferencesFor } from './whose.ts';

/** `preferences.set`. */
export const set = (store: Store) =>
  mutation(setPreferences, async ({ recipientId, preferences = [], ...given }, context) => {
    const { principal } = context;
    const before = await preferencesFor(store, principal, recipientId);
    const words = checkWords(preferences, before);
    const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    if (words.length === 0 && Object.keys(fields).length === 0) return viewPreferences(before);
    const { projectId } = principal;
    const { id } = before.recipient;
    const change = { projectId, recipientId: id, words, fields, auditId: newId('audit') };
    if (!(await store.setPreferences(actorOf(context), change))) throw new TidingsError('not_found');
    return viewPreferences(await preferencesFor(store, principal, id));
  });
