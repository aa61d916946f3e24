import type { ServiceAccount } from '@tidings/runtime';
import { type AccessToken, readSigningKey, requestAccessToken } from './fcm-token-request.ts';

/** Access tokens for FCM, shared by all who send. */
export interface AccessTokens {
  /**
   * One that should still do.
   *
   * @throws AccessTokenFailure when there is none and none can be had
   */
  get(): Promise<string>;
  /** FCM refused this one: it is not given out again. */
  drop(token: string): void;
}

/**
 * Keeps one token for as long as it lives. One request at a time fetches the next, for all who wait. The next
 * is fetched in good time while the old one is still given out, so that a token endpoint which is away for
 * some minutes is not noticed.
 *
 * @throws at once when the account's key cannot be read
 */
export function createAccessTokens(options: {
  account: ServiceAccount;
  /** Where tokens come from, when that is not the account's `token_uri`. */
  url?: string;
  timeoutMs?: number;
  /** How long before its end a token is replaced; half of its life when that is shorter. */
  refreshEarlyMs?: number;
  /** How long after a failure it is left at that, while the old token lives. */
  retryRefreshMs?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}): AccessTokens {
  const { account, url = account.token_uri, timeoutMs = 10_000, now = Date.now } = options;
  const { refreshEarlyMs = 300_000, retryRefreshMs = 30_000 } = options;
  const key = readSigningKey(account);
  let kept: { token: string; refreshAt: number; endsAt: number } | undefined;
  let fetching: Promise<string> | undefined;

  /** One at a time. */
  function fetchNext(): Promise<string> {
    const askedAt = now();
    fetching ??= requestAccessToken({ account, key, url, now: askedAt, timeoutMs })
      .then((next) => keep(next, askedAt))
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  function keep({ token, lifetimeMs }: AccessToken, askedAt: number): string {
    const endsAt = askedAt + lifetimeMs;
    kept = { token, endsAt, refreshAt: endsAt - Math.min(refreshEarlyMs, lifetimeMs / 2) };
    return token;
  }

  return {
    get: async () => {
      const old = kept;
      if (old === undefined || now() >= old.endsAt) return fetchNext();
      if (now() >= old.refreshAt) {
        // Told to nobody: if it goes on, the old token ends, and then those who wait for a new one are told.
        fetchNext().catch(() => {
          old.refreshAt = now() + retryRefreshMs;
        });
      }
      return old.token;
    },
    drop: (token) => {
      if (kept?.token === token) kept = undefined;
    },
  };
}
