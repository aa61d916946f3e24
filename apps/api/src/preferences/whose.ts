import { TidingsError } from '@tidings/contracts';
import type { RecipientPreferences, Store } from '@tidings/db';
import type { Principal } from '../principal.ts';

/**
 * The preferences that a call is about. A recipient asks about itself; to it everybody else is as unknown as who is
 * not there.
 *
 * @throws TidingsError `not_found`.
 */
export async function preferencesFor(
  store: Store,
  principal: Principal,
  recipientId: string,
): Promise<RecipientPreferences> {
  const found = await store.findPreferences(principal.projectId, recipientId);
  const isOthers = principal.kind === 'recipient' && found?.recipient.id !== principal.id;
  if (found === undefined || isOthers) throw new TidingsError('not_found');
  return found;
}
