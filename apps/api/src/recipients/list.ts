import { listRecipients } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { pageOf } from '../http/page.ts';
import { query } from '../operations.ts';
import { viewRecipient } from './view.ts';

/** `recipients.list`: pages by id, so that what is added meanwhile neither repeats nor hides anything. */
export const list = (store: Store) =>
  query(listRecipients, async (input, { principal }) =>
    pageOf((await store.listRecipients(principal.projectId, input)).map(viewRecipient), input),
  );
