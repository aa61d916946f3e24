import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ServiceAccount } from '@tidings/runtime';
import { SignJWT } from 'jose';
import { AccessTokenFailure, blameForTokenReply } from './fcm-failures.ts';
import { readable } from './readable.ts';

/** What a send is authorised by, and for how long. */
export interface AccessToken {
  token: string;
  lifetimeMs: number;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const assertionLifetimeS = 3600;
const maxReplyBytes = 64 * 1024;

/**
 * The account's key.
 *
 * @throws Error, without the key, when it cannot sign RS256, which needs RSA of 2,048 bits (RFC 7518 §3.3)
 */
export function readSigningKey({ private_key }: Pick<ServiceAccount, 'private_key'>): KeyObject {
  const key = parseKey(private_key);
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key?.asymmetricKeyType === 'rsa' && bits >= 2048) return key;
  throw new Error('private_key is not a readable RSA key of 2,048 bits or more');
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/**
 * Trades a signed assertion for an access token ("Using OAuth 2.0 for Server to Server Applications", Google;
 * RFC 7523). The audience is what the account names, also when `url` is elsewhere: a proxy passes it on.
 *
 * @param now milliseconds since the epoch
 * @throws AccessTokenFailure
 */
export async function requestAccessToken(options: {
  account: ServiceAccount;
  key: KeyObject;
  url: string;
  now: number;
  timeoutMs: number;
}): Promise<AccessToken> {
  const { account, key, url, now, timeoutMs } = options;
  const assertion = await signAssertion(account, key, now);
  const { status, body } = await post(url, assertion, timeoutMs);
  // A server may quote what it was sent.
  const text = readable(body.replaceAll(assertion, '[assertion]'));
  const answer = parseAnswer(body);
  if (status < 200 || status >= 300) {
    const code = [status, answer.error].filter(Boolean).join(' ');
    throw new AccessTokenFailure(blameForTokenReply(status), code, `No access token: ${text}`);
  }
  if (answer.token === undefined) {
    throw new AccessTokenFailure('provider_unavailable', String(status), 'No access token in the reply');
  }
  return answer.token;
}

function signAssertion(account: ServiceAccount, key: KeyObject, now: number): Promise<string> {
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionLifetimeS)
    .sign(key);
}

async function post(url: string, assertion: string, timeoutMs: number) {
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams(grant),
      // Not followed: the assertion is for one address only. The 3xx is what is told.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: await readAtMost(response, maxReplyBytes) };
  } catch (error) {
    throw new AccessTokenFailure('provider_unavailable', codeOf(error), 'The token endpoint does not answer');
  }
}

/** The beginning of a body; the rest is left unread. */
async function readAtMost(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString();
}

/** Fetch says `fetch failed`; what failed is its cause. */
function codeOf(error: unknown): string {
  const { code, cause, name } = error as { code?: unknown; cause?: { code?: unknown }; name?: string };
  const known = [cause?.code, code].find((one) => typeof one === 'string');
  return typeof known === 'string' ? known : (name ?? 'Error');
}

function parseAnswer(body: string): { token?: AccessToken; error?: string } {
  let answer: { access_token?: unknown; expires_in?: unknown; error?: unknown } | null;
  try {
    answer = JSON.parse(body);
  } catch {
    return {};
  }
  const { access_token: token, expires_in: seconds, error } = answer ?? {};
  // It becomes a header's value; RFC 6750 §2.1 says what it may consist of.
  if (typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token) && typeof seconds === 'number') {
    return { token: { token, lifetimeMs: seconds * 1000 } };
  }
  return typeof error === 'string' && /^\w{1,64}$/.test(error) ? { error } : {};
}
