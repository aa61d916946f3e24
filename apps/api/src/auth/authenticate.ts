import type { Store } from '@tidings/db';
import { type Authenticate, unauthorized } from '../principal.ts';
import { createKeyCheck } from './api-keys.ts';
import type { KeyUses } from './key-uses.ts';

const bearer = /^Bearer +(\S+) *$/i;

/** Finds out who calls from the `Authorization` header: a program with an API key of a project. */
export function createAuthenticate(options: {
  store: Store;
  keyUses?: Pick<KeyUses, 'note'>;
  cacheMs?: number;
}): Authenticate {
  const { store, keyUses, cacheMs } = options;
  const checkKey = createKeyCheck({ store, cacheMs, onUse: keyUses?.note });

  return async (headers) => {
    const authorization = headers.get('authorization');
    if (!authorization) return undefined;
    const [, credentials] = bearer.exec(authorization) ?? [];
    if (credentials === undefined) throw unauthorized();
    return checkKey(credentials);
  };
}
