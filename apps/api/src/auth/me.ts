import { me as meOperation } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { viewAccount } from '../accounts/view.ts';
import { query } from '../operations.ts';
import { requireAccount, unauthorized } from '../principal.ts';

/** `auth.me`. */
export const me = (store: Store) =>
  query(meOperation, async (_, { principal }) => {
    const { id, sessionId } = requireAccount(principal);
    const account = await store.findAccount(id);
    if (account === undefined) throw unauthorized();
    return { account: viewAccount(account), sessionId };
  });
