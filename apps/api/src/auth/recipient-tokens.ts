import type { Store } from '@tidings/db';
import { type Principal, unauthorized } from '../principal.ts';
import type { Tokens } from './tokens.ts';

const recipientsAtMost = 10_000;

/**
 * Checks tokens that an application has made for the front end of one of its recipients. That the recipient is still
 * there is believed for `cacheMs`, so that an erased one's tokens are worthless within that time.
 *
 * @throws TidingsError `unauthorized`, the same for a forged, expired or orphaned token.
 */
export function createRecipientTokenCheck(options: {
  store: Pick<Store, 'isLiveRecipient'>;
  tokens: Pick<Tokens, 'verify'>;
  cacheMs?: number;
}): (token: string) => Promise<Principal> {
  const { store, tokens, cacheMs = 5000 } = options;
  const liveUntil = new Map<string, number>();

  return async (token) => {
    const { subject, projectId } = await tokens.verify(token, 'recipient');
    if (projectId === undefined) throw unauthorized();
    const key = `${projectId} ${subject}`;
    if ((liveUntil.get(key) ?? 0) <= performance.now()) {
      liveUntil.delete(key);
      if (!(await store.isLiveRecipient(projectId, subject))) throw unauthorized();
      if (liveUntil.size >= recipientsAtMost) liveUntil.clear();
      liveUntil.set(key, performance.now() + cacheMs);
    }
    return { kind: 'recipient', id: subject, projectId, scopes: [] };
  };
}
