import { TidingsError } from '@tidings/contracts';

/** Methods that change nothing (RFC 9110 §9.2.1), as far as we serve them. */
export function isRead(method: string): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(method);
}

/**
 * Refuses a change that another site's page asks for: browsers send along the login of HTTP Basic, and cookies.
 * They also say where it comes from, in `Sec-Fetch-Site` (to https and localhost) and in `Origin`. A program
 * says neither and passes, for it has no login but its own. Of the origin only the host is compared: in front
 * of us TLS may end at a proxy.
 *
 * @throws TidingsError `cross_site`.
 */
export function requireSameOrigin({ method, headers }: Pick<Request, 'method' | 'headers'>): void {
  if (isRead(method)) return;
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const isOurs =
    site === null ? origin === null || hostOf(origin) === headers.get('host') : site === 'same-origin';
  if (!isOurs) throw new TidingsError('cross_site');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
