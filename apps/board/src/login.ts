import { createHash, timingSafeEqual } from 'node:crypto';
import { TidingsError } from '@tidings/contracts';
import type { Admin } from './admin.ts';
import { type Brake, createBrake } from './brake.ts';

/** Lets a request with this `Authorization` header pass, or throws. */
export type Login = (authorization: string | null, address: string) => void;

/** RFC 7617 §2.1: the charset makes browsers send UTF-8. */
const challenge = { 'www-authenticate': 'Basic realm="Tidings board", charset="UTF-8"' };

const basic = /^basic +([A-Za-z0-9+/_-]+=*) *$/i;

/**
 * HTTP Basic (RFC 7617) for the one login there is. A request without a login is only told to bring one; a
 * wrong login counts.
 *
 * @throws TidingsError `login_required`, the same for a missing, malformed or wrong login; `rate_limited` with
 * `Retry-After` for an address that has guessed too often.
 */
export function createLogin(options: { admin: Admin; brake?: Brake }): Login {
  const { admin, brake = createBrake() } = options;
  const expected = hashOf(`${admin.email}:${admin.password}`);
  return (authorization, address) => {
    const [, token] = basic.exec(authorization ?? '') ?? [];
    if (token === undefined) throw new TidingsError('login_required', { headers: challenge });
    const waitMs = brake.waitMs(address);
    if (waitMs > 0) {
      throw new TidingsError('rate_limited', {
        detail: 'Too many wrong logins',
        headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
      });
    }
    // Hashes are of one length, so that comparing them tells nothing of the password's.
    const given = hashOf(Buffer.from(token, 'base64'));
    if (timingSafeEqual(given, expected)) return;
    brake.note(address, given.toString('base64'));
    throw new TidingsError('login_required', { headers: challenge });
  };
}

function hashOf(login: string | Buffer): Buffer {
  return createHash('sha256').update(login).digest();
}
