import { listRecipients } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewRecipient } from './view.ts';

/** `recipients.list`: pages by id, so that what is added meanwhile neither repeats nor hides anything. */
export const list = (store: Store) =>
  query(listRecipients, async (input, { principal }) =>
    toPage(await store.listRecipients(principal.projectId, input), input, viewRecipient),
  );
