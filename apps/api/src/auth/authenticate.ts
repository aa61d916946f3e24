import type { Store } from '@tidings/db';
import { decodeJwt } from 'jose';
import { type Authenticate, type Principal, unauthorized } from '../principal.ts';
import { createAccountCheck } from './account-check.ts';
import { createKeyCheck } from './api-keys.ts';
import type { KeyUses } from './key-uses.ts';
import { createRecipientTokenCheck } from './recipient-tokens.ts';
import type { Tokens } from './tokens.ts';

const bearer = /^Bearer +(\S+) *$/i;

/**
 * Finds out who calls from the `Authorization` header: a program with an API key of a project, an account with the
 * access token of a session, or a recipient with a token that a program made. There is one check for each kind of
 * credentials.
 */
export function createAuthenticate(options: {
  store: Store;
  tokens: Tokens;
  keyUses?: Pick<KeyUses, 'note'>;
  cacheMs?: number;
}): Authenticate {
  const { store, keyUses, cacheMs } = options;
  const checkKey = createKeyCheck({ store, cacheMs, onUse: keyUses?.note });
  /** By the audience of a token. */
  const tokenChecks = new Map<unknown, (token: string, headers: Headers) => Promise<Principal>>([
    ['account', createAccountCheck(options)],
    ['recipient', createRecipientTokenCheck(options)],
  ]);

  return async (headers) => {
    const authorization = headers.get('authorization');
    if (!authorization) return undefined;
    const [, credentials] = bearer.exec(authorization) ?? [];
    if (credentials === undefined) throw unauthorized();
    if (!credentials.includes('.')) return checkKey(credentials);
    const check = tokenChecks.get(claimedAudience(credentials));
    if (check === undefined) throw unauthorized();
    return check(credentials, headers);
  };
}

/** For whom a token says it is; whether that is true is for the check to find out. */
function claimedAudience(token: string): unknown {
  try {
    return decodeJwt(token).aud;
  } catch {
    throw unauthorized();
  }
}
