import { logout as logoutOperation } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { requireSameOrigin } from '@tidings/runtime';
import { actorOf, instanceChange, type OpenContext, openMutation } from '../operations.ts';
import { clearRefreshCookie, isCookieOf, readRefreshCookie } from './refresh-cookie.ts';

/** `auth.logout`. Done again it answers that there was nothing to end. */
export const logout = (store: Store) =>
  openMutation(logoutOperation, async (_, context) => {
    requireSameOrigin({ method: 'POST', headers: context.requestHeaders });
    Object.assign(context.headers, clearRefreshCookie(context));
    const found = await sessionOf(store, context);
    if (found === undefined) return { sessionId: null };
    const revoked = await store.revokeSession(
      { ...actorOf(context), kind: 'account', id: found.accountId },
      found,
      instanceChange('auth.logout', found.id),
    );
    return { sessionId: revoked?.id ?? null };
  });

/** That of the access token; an expired one has nothing to say, and then it is that of the cookie. */
async function sessionOf(store: Store, context: OpenContext) {
  const { principal } = context;
  if (principal?.kind === 'account') return { id: principal.sessionId, accountId: principal.id };
  const shown = readRefreshCookie(context);
  const live = shown && (await store.findLiveSession(shown.sessionId));
  if (shown === undefined || live === undefined || !isCookieOf(live.session, shown)) return undefined;
  return { id: live.session.id, accountId: live.session.accountId };
}
