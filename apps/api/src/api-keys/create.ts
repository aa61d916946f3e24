import { createApiKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { requireWithinBounds } from './bounds.ts';
import { newKey } from './new-key.ts';
import { viewApiKey } from './view.ts';

/** `apiKeys.create`. */
export const create = (store: Store) =>
  mutation(createApiKey, async ({ name, scopes, expiresAt: end }, context) => {
    const { principal, headers } = context;
    const expiresAt = end === undefined ? null : Date.parse(end);
    if (expiresAt !== null && expiresAt <= Date.now()) {
      throw new TidingsError('invalid_time', {
        errors: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
      });
    }
    await requireWithinBounds(store, principal, { scopes, expiresAt });
    const { key, ...kept } = newKey();
    const made = await store.createApiKey(actorOf(context), {
      auditId: newId('audit'),
      key: { ...kept, projectId: principal.projectId, name, scopes, expiresAt },
    });
    headers.location = `/v1/api-keys/${made.id}`;
    return { ...viewApiKey(made), key };
  });
