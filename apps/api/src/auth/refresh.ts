import { refresh as refreshOperation, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import type { Secrets } from '@tidings/runtime';
import { requireSameOrigin } from '@tidings/runtime';
import { actorOf, instanceChange, openMutation } from '../operations.ts';
import {
  clearRefreshCookie,
  isCookieOf,
  type RefreshSecret,
  readRefreshCookie,
  refreshLifetimeMs,
  setRefreshCookie,
} from './refresh-cookie.ts';
import { hashSecret, secretAfter } from './secrets.ts';
import type { Sessions } from './sessions.ts';

/** Two tabs may refresh at once, and only one of them shows the newest secret; or an answer was lost on its way. */
const graceMs = 30_000;

/**
 * `auth.refresh`. Each refresh replaces the secret of the cookie by the one that follows from it. The one before is
 * good for 30 s more and gets the same newer one again. One that is older is a copy that somebody kept, whoever
 * shows it, and the session ends (RFC 9700 §4.14.2).
 */
export const refresh = (options: {
  store: Store;
  sessions: Sessions;
  /** What secrets follow from each other by: the first is used, any of them may have been. */
  refreshKeys: Secrets<Buffer>;
}) => {
  const { store, sessions, refreshKeys } = options;

  /** The secret that has followed this one; undefined when it was by a key that is gone, or another has followed. */
  async function newestAfter({ sessionId, secret }: RefreshSecret): Promise<string | undefined> {
    const live = await store.findLiveSession(sessionId);
    return refreshKeys
      .map((key) => secretAfter(secret, key))
      .find((next) => hashSecret(next) === live?.session.refreshHash);
  }

  return openMutation(refreshOperation, async (_, context) => {
    requireSameOrigin({ method: 'POST', headers: context.requestHeaders });
    const shown = readRefreshCookie(context);
    if (shown === undefined) throw new TidingsError('login_required');
    const { sessionId } = shown;
    const loggedOut = new TidingsError('login_required', { headers: clearRefreshCookie(context) });
    const live = await store.findLiveSession(sessionId);
    // Before anything is written: only who has been logged in may make us do that.
    if (live === undefined || !isCookieOf(live.session, shown)) throw loggedOut;
    const next = secretAfter(shown.secret, refreshKeys[0]);
    const rotation = await store.rotateSession(
      actorOf(context),
      {
        id: sessionId,
        familyHash: live.session.familyHash,
        shownHash: hashSecret(shown.secret),
        nextHash: hashSecret(next),
        lifetimeMs: refreshLifetimeMs,
        graceMs,
      },
      instanceChange('auth.refreshReused', sessionId),
    );
    if (rotation === 'reused' || rotation === 'unknown') throw loggedOut;
    const secret = rotation === 'rotated' ? next : await newestAfter(shown);
    if (secret !== undefined) Object.assign(context.headers, setRefreshCookie(context, { ...shown, secret }));
    return sessions.answer(live.account, sessionId);
  });
};
