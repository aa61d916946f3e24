import type { ConnectionOptions } from 'node:tls';

/** Where and how to reach an SMTP server. */
export interface SmtpEndpoint {
  host: string;
  port: number;
  /** TLS from the first byte (smtps) rather than STARTTLS. */
  secure: boolean;
  /** Refuse to go on without STARTTLS. */
  requireTls: boolean;
  tls: ConnectionOptions;
  credentials?: { user: string; pass: string };
}

/**
 * Reads `smtp://user:password@host:port` (STARTTLS when offered; port 587) or `smtps://…` (TLS at once; port
 * 465). User and password are percent-decoded. Two query parameters are known: `requireTls=true` and
 * `rejectUnauthorized=false`.
 *
 * @throws on anything else; the message never shows the password
 */
export function parseSmtpUrl(text: string): SmtpEndpoint {
  const url = URL.parse(text);
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || !url.hostname) {
    throw new Error('SMTP URL must look like smtp://user:password@host:587 or smtps://host');
  }
  if (!['', '/'].includes(url.pathname) || url.hash)
    throw new Error('SMTP URL must have no path or fragment');
  const secure = url.protocol === 'smtps:';
  const flags = readFlags(url.searchParams);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTls: flags.requireTls ?? false,
    tls: { rejectUnauthorized: flags.rejectUnauthorized ?? true },
    ...readCredentials(url),
  };
}

function readFlags(query: URLSearchParams): { requireTls?: boolean; rejectUnauthorized?: boolean } {
  const flags: Record<string, boolean> = {};
  for (const [name, value] of query) {
    if (name !== 'requireTls' && name !== 'rejectUnauthorized') {
      throw new Error(`SMTP URL has an unknown parameter: ${name}`);
    }
    if (value !== 'true' && value !== 'false') throw new Error(`SMTP URL: ${name} must be true or false`);
    flags[name] = value === 'true';
  }
  return flags;
}

function readCredentials(url: URL): Pick<SmtpEndpoint, 'credentials'> {
  if (!url.username && !url.password) return {};
  try {
    const user = decodeURIComponent(url.username);
    const pass = decodeURIComponent(url.password);
    if (user && pass) return { credentials: { user, pass } };
  } catch {
    // A URIError quotes its input; the message below does not.
  }
  throw new Error('SMTP URL must have both user and password, percent-encoded, or neither');
}
