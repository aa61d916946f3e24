import type { AccountView } from '@tidings/contracts';
import type { AccountRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** An account without its password's hash. */
export function viewAccount(account: AccountRow): AccountView {
  const { id, email, name, role } = account;
  return {
    id,
    email,
    name,
    role,
    createdAt: toIso(account.createdAt),
    updatedAt: toIso(account.updatedAt),
    lastLoginAt: isoOrNull(account.lastLoginAt),
    disabledAt: isoOrNull(account.disabledAt),
  };
}
