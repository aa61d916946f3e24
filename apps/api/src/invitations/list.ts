import { listInvitations } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { viewInvitation } from './view.ts';

/** `invitations.list`. */
export const list = (store: Store) =>
  query(listInvitations, async (input) =>
    toPage(await store.listInvitations(input), input, (row) => viewInvitation(row)),
  );
