import { hash } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { unauthorized } from '../principal.ts';

/** For whom a token is: an account of Tidings, or a recipient in the front end of an application. */
export type Audience = 'account' | 'recipient';

/** What a token says. */
export interface Claims {
  /** The account, or the recipient. */
  subject: string;
  /** The login that it belongs to; a recipient has none. */
  sessionId?: string;
  /** Of a recipient. */
  projectId?: string;
}

export interface Tokens {
  /** Answers the token and when it ends, in milliseconds since the epoch. */
  sign(
    audience: Audience,
    claims: Claims,
    lifetimeSeconds: number,
  ): Promise<{ token: string; expiresAt: number }>;
  /** @throws TidingsError `unauthorized` for whatever is not a good token for this audience. */
  verify(token: string, audience: Audience): Promise<Claims>;
}

const algorithm = 'HS256';
const issuer = 'tidings';

/**
 * JSON Web Tokens (RFC 7519) under HMAC with SHA-256, the only algorithm that is taken. The first secret signs,
 * every one of them verifies: a secret is changed without a logout by keeping the one before for as long as
 * tokens live. Secrets are of 32 characters or more (RFC 7518 §3.2).
 */
export function createTokens(options: { secrets: readonly string[]; now?: () => number }): Tokens {
  const { secrets, now = Date.now } = options;
  const keys = new Map(secrets.map((secret) => [keyIdOf(secret), new TextEncoder().encode(secret)]));
  const [signing] = keys;
  if (signing === undefined) throw new Error('a secret is needed to sign tokens with');
  const [kid, key] = signing;

  return {
    sign: async (audience, { subject, sessionId, projectId }, lifetimeSeconds) => {
      const issuedAt = Math.floor(now() / 1000);
      const expiresAt = issuedAt + lifetimeSeconds;
      const token = await new SignJWT({
        ...(sessionId && { sid: sessionId }),
        ...(projectId && { prj: projectId }),
      })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key);
      return { token, expiresAt: expiresAt * 1000 };
    },
    verify: async (token, audience) => {
      try {
        const { payload } = await jwtVerify(token, ({ kid: named = '' }) => keyNamed(keys, named), {
          algorithms: [algorithm],
          issuer,
          audience,
          requiredClaims: ['sub', 'exp'],
          currentDate: new Date(now()),
        });
        const { sub: subject = '', sid, prj } = payload as { sub?: string; sid?: string; prj?: string };
        return { subject, ...(sid && { sessionId: sid }), ...(prj && { projectId: prj }) };
      } catch (error) {
        if (error instanceof errors.JOSEError) throw unauthorized();
        throw error;
      }
    },
  };
}

function keyNamed(keys: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const key = keys.get(name);
  if (key === undefined) throw new errors.JWSInvalid('no such key');
  return key;
}

/** Says which secret signed, and nothing of it. */
function keyIdOf(secret: string): string {
  return hash('sha256', `kid ${secret}`, 'hex').slice(0, 16);
}
