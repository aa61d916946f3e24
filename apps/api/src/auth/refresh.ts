import { refresh as refreshOperation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { requireSameOrigin } from '@tidings/runtime';
import { actorOf, instanceChange, openMutation } from '../operations.ts';
import {
  clearRefreshCookie,
  isCookieOf,
  readRefreshCookie,
  refreshLifetimeMs,
  setRefreshCookie,
} from './refresh-cookie.ts';
import { hashSecret, newSecret } from './secrets.ts';
import type { Sessions } from './sessions.ts';

/** Two tabs may refresh at once, and only one of them shows the newest secret. */
const graceMs = 30_000;

/**
 * `auth.refresh`. Each refresh replaces the secret of the cookie. The one before is good for 30 s more, and its
 * answer sets no cookie, for the browser has the newer one already. One that is older is a copy that somebody
 * kept, whoever shows it, and the session ends (RFC 9700 §4.14.2).
 */
export const refresh = ({ store, sessions }: { store: Store; sessions: Sessions }) =>
  openMutation(refreshOperation, async (_, context) => {
    requireSameOrigin({ method: 'POST', headers: context.requestHeaders });
    const shown = readRefreshCookie(context);
    if (shown === undefined) throw new TidingsError('login_required');
    const { sessionId } = shown;
    const loggedOut = new TidingsError('login_required', { headers: clearRefreshCookie(context) });
    const live = await store.findLiveSession(sessionId);
    // Before anything is written: only who has been logged in may make us do that.
    if (live === undefined || !isCookieOf(live.session, shown)) throw loggedOut;
    const secret = newSecret();
    const rotation = await store.rotateSession(
      actorOf(context),
      {
        id: sessionId,
        familyHash: live.session.familyHash,
        shownHash: hashSecret(shown.secret),
        nextHash: hashSecret(secret),
        lifetimeMs: refreshLifetimeMs,
        graceMs,
      },
      instanceChange('auth.refreshReused', sessionId),
    );
    if (rotation === 'reused' || rotation === 'unknown') throw loggedOut;
    if (rotation === 'rotated')
      Object.assign(context.headers, setRefreshCookie(context, { ...shown, secret }));
    return sessions.answer(live.account, sessionId);
  });
