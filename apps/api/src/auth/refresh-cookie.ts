import type { SessionRow } from '@tidings/db';
import { parse, serialize } from 'hono/utils/cookie';
import type { OpenContext } from '../operations.ts';
import { hashSecret, newSecret } from './secrets.ts';

/** What a refresh cookie holds. Of family and secret only the hashes are stored. */
export interface RefreshSecret {
  sessionId: string;
  /** The same in all cookies of a session: with it, an old secret is known for one. */
  family: string;
  /** Another one with each refresh. */
  secret: string;
}

/** Days that a session lives on without being used. */
const lifetimeDays = 30;
export const refreshLifetimeMs = lifetimeDays * 86_400_000;

const pattern = /^(ses_[0-9a-f]{32})\.([0-9A-Za-z_-]{43})\.([0-9A-Za-z_-]{43})$/;

/** The first of a new family. */
export function newRefreshSecret(sessionId: string): RefreshSecret {
  return { sessionId, family: newSecret(), secret: newSecret() };
}

/** What is stored of one. */
export function hashesOf({ family, secret }: RefreshSecret) {
  return { familyHash: hashSecret(family), refreshHash: hashSecret(secret) };
}

/** Was it a cookie of this session, at whatever time? */
export function isCookieOf({ familyHash }: Pick<SessionRow, 'familyHash'>, shown: RefreshSecret): boolean {
  return familyHash === hashSecret(shown.family);
}

/** The refresh cookie of a call; undefined when it has none that could be ours. */
export function readRefreshCookie({ requestHeaders, isSecure }: OpenContext): RefreshSecret | undefined {
  const name = nameOf(isSecure);
  const value = parse(requestHeaders.get('cookie') ?? '', name)[name] ?? '';
  const [, sessionId, family, secret] = pattern.exec(value) ?? [];
  if (sessionId === undefined || family === undefined || secret === undefined) return undefined;
  return { sessionId, family, secret };
}

/** The header that has a browser keep this secret. */
export function setRefreshCookie({ isSecure }: OpenContext, { sessionId, family, secret }: RefreshSecret) {
  return { 'set-cookie': cookie(isSecure, `${sessionId}.${family}.${secret}`, refreshLifetimeMs / 1000) };
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
