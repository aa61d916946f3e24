import type { Store } from '@tidings/db';
import { type Authenticate, unauthorized } from '../principal.ts';
import { createKeyCheck } from './api-keys.ts';

const bearer = /^Bearer +(\S+) *$/i;

/** Finds out who calls from the `Authorization` header: a program with an API key of a project. */
export function createAuthenticate(options: { store: Store; cacheMs?: number }): Authenticate {
  const checkKey = createKeyCheck(options);

  return async (headers) => {
    const authorization = headers.get('authorization');
    if (!authorization) return undefined;
    const [, credentials] = bearer.exec(authorization) ?? [];
    if (credentials === undefined) throw unauthorized();
    return checkKey(credentials);
  };
}
