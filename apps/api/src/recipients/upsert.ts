import { upsertRecipient } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { mutation } from '../operations.ts';
import { viewRecipient } from './view.ts';

/** `recipients.upsert`. */
export const upsert = (store: Store) =>
  mutation(upsertRecipient, async (input, { principal }) =>
    viewRecipient(await store.upsertRecipient(principal.projectId, { ...input, id: newId('recipient') })),
  );
