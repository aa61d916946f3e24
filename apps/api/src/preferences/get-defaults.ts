import { getPreferenceDefaults } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewWords } from './view.ts';

/** `preferenceDefaults.get`. */
export const getDefaults = (store: Store) =>
  query(getPreferenceDefaults, async (_, { principal }) => ({
    preferences: viewWords(await store.listPreferenceDefaults(principal.projectId)),
  }));
