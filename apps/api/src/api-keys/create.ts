import { createApiKey, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { actorOf, mutation } from '../operations.ts';
import { unlessRefused } from '../principal.ts';
import { requireWithinBounds } from './bounds.ts';
import { newKey } from './new-key.ts';
import { viewApiKey } from './view.ts';

const furthestMs = 100 * 365 * 86_400_000;

/** `apiKeys.create`. */
export const create = (store: Store) =>
  mutation(createApiKey, async ({ name, scopes, expiresAt: end }, context) => {
    const { principal, headers } = context;
    const expiresAt = end === undefined ? null : Date.parse(end);
    requireUsableEnd(expiresAt);
    await requireWithinBounds(store, principal, { scopes, expiresAt });
    const { key, ...kept } = newKey();
    const made = unlessRefused(
      await store.createApiKey(actorOf(context), {
        auditId: newId('audit'),
        key: { ...kept, projectId: principal.projectId, name, scopes, expiresAt },
      }),
    );
    headers.location = `/v1/api-keys/${made.id}`;
    return { ...viewApiKey(made), key };
  });

/** @throws TidingsError `invalid_time` */
function requireUsableEnd(expiresAt: number | null): void {
  if (expiresAt === null) return;
  const leftMs = expiresAt - Date.now();
  if (leftMs > 0 && leftMs <= furthestMs) return;
  throw new TidingsError('invalid_time', {
    errors: [{ pointer: '/expiresAt', detail: 'must be in the future, and within 100 years' }],
  });
}
