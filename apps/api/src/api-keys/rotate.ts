import { rotateApiKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { unlessRefused } from '../principal.ts';
import { requireWithinBounds } from './bounds.ts';
import { newKey } from './new-key.ts';
import { viewApiKey } from './view.ts';

/** `apiKeys.rotate`. The successor ends when the old key would have ended without it. */
export const rotate = (store: Store) =>
  mutation(rotateApiKey, async ({ id, overlapSeconds }, context) => {
    const { principal, headers } = context;
    const old = await store.getApiKey(principal.projectId, id);
    if (old === undefined) throw new TidingsError('not_found');
    // Whoever rotates a key gets to know its successor.
    await requireWithinBounds(store, principal, old);
    const { key, ...kept } = newKey();
    const made = unlessRefused(
      await store.rotateApiKey(actorOf(context), {
        auditId: newId('audit'),
        successorAuditId: newId('audit'),
        projectId: principal.projectId,
        id,
        overlapMs: overlapSeconds * 1000,
        successor: { ...kept, expiresAt: old.expiresAt },
      }),
    );
    if (made === undefined) throw new TidingsError('api_key_ended');
    headers.location = `/v1/api-keys/${made.id}`;
    return { ...viewApiKey(made), key };
  });
