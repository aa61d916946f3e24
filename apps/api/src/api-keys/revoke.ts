import { revokeApiKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { viewApiKey } from './view.ts';

/** `apiKeys.revoke`. Revoking twice answers the same. */
export const revoke = (store: Store) =>
  mutation(revokeApiKey, async ({ id }, context) => {
    const { projectId } = context.principal;
    const revoked = await store.revokeApiKey(actorOf(context), { auditId: newId('audit'), projectId, id });
    const found = revoked ?? (await store.getApiKey(projectId, id));
    if (found === undefined) throw new TidingsError('not_found');
    return viewApiKey(found);
  });
