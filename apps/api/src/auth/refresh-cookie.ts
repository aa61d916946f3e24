import type { SessionRow } from '@tidings/db';
import { parse, serialize } from 'hono/utils/cookie';
import type { OpenContext } from '../operations.ts';
import { hashSecret } from './secrets.ts';

/** What a refresh cookie holds: the session, and a secret of which only the hash is stored. */
export interface RefreshSecret {
  sessionId: string;
  secret: string;
}

/** Days that a session lives on without being used. */
const lifetimeDays = 30;
export const refreshLifetimeMs = lifetimeDays * 86_400_000;

const pattern = /^(ses_[0-9a-f]{32})\.([0-9A-Za-z_-]{43})$/;

/** Is it the newest secret of the session, or the one before it? */
export function isSecretOf(
  { refreshHash, previousHash }: Pick<SessionRow, 'refreshHash' | 'previousHash'>,
  { secret }: RefreshSecret,
): boolean {
  return [refreshHash, previousHash].includes(hashSecret(secret));
}

/** The refresh cookie of a call; undefined when it has none that could be ours. */
export function readRefreshCookie({ requestHeaders, isSecure }: OpenContext): RefreshSecret | undefined {
  const name = nameOf(isSecure);
  const value = parse(requestHeaders.get('cookie') ?? '', name)[name] ?? '';
  const [, sessionId, secret] = pattern.exec(value) ?? [];
  return sessionId === undefined || secret === undefined ? undefined : { sessionId, secret };
}

/** The header that has a browser keep this secret. */
export function setRefreshCookie({ isSecure }: OpenContext, { sessionId, secret }: RefreshSecret) {
  return { 'set-cookie': cookie(isSecure, `${sessionId}.${secret}`, refreshLifetimeMs / 1000) };
}

/** The header that has a browser forget it. */
export function clearRefreshCookie({ isSecure }: OpenContext) {
  return { 'set-cookie': cookie(isSecure, '', 0) };
}

/** Over https its name keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2). */
function nameOf(isSecure: boolean): string {
  return isSecure ? '__Host-tidings_refresh' : 'tidings_refresh';
}

function cookie(isSecure: boolean, value: string, maxAge: number): string {
  return serialize(nameOf(isSecure), value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: isSecure,
    maxAge,
  });
}
