import { getPreferences } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { viewPreferences } from './view.ts';
import { preferencesFor } from './whose.ts';

/** `preferences.get`. */
export const get = (store: Store) =>
  query(getPreferences, async ({ recipientId }, { principal }) =>
    viewPreferences(await preferencesFor(store, principal, recipientId)),
  );
