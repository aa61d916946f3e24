import type { Store } from '@tidings/db';
import { type Authenticate, unauthorized } from '../principal.ts';
import { createKeyCheck } from './api-keys.ts';
import { createRecipientTokenCheck, saysRecipient } from './recipient-tokens.ts';
import type { Tokens } from './tokens.ts';

const bearer = /^Bearer +(\S+) *$/i;

/**
 * Finds out who calls from the `Authorization` header: a program with an API key of a project, or a recipient with
 * a token that such a program made.
 */
export function createAuthenticate(options: {
  store: Store;
  tokens: Tokens;
  cacheMs?: number;
}): Authenticate {
  const checkKey = createKeyCheck(options);
  const checkRecipient = createRecipientTokenCheck(options);

  return async (headers) => {
    const authorization = headers.get('authorization');
    if (!authorization) return undefined;
    const [, credentials] = bearer.exec(authorization) ?? [];
    if (credentials === undefined) throw unauthorized();
    if (!credentials.startsWith('tk_') && saysRecipient(credentials)) return checkRecipient(credentials);
    return checkKey(credentials);
  };
}
