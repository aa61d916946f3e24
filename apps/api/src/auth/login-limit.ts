import { createHmac, randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { TidingsError } from '@tidings/contracts';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { type Limiters, openLimiters } from '../limiters.ts';

/** Who tries to log in, and from where. */
export interface Tries {
  email: string;
  address: string;
}

/** Shuts out whoever has tried too often under one key. */
export interface Brake {
  /**
   * Counts a try, before anything is found out about it.
   *
   * @throws TidingsError `rate_limited` with `Retry-After`. `onLock` is told when that begins.
   */
  take(key: string, onLock: () => Promise<void>): Promise<void>;
  /** As if there had been none. */
  forget(key: string): Promise<void>;
  /** Takes a try back. */
  giveBack(key: string): Promise<void>;
}

/** A brake on guessing passwords. */
export interface LoginLimit {
  /**
   * Counts a try, before anything is found out about it.
   *
   * @throws TidingsError `rate_limited` with `Retry-After`. `onLock` is told when that begins, and for which.
   */
  take(tries: Tries, onLock: (what: keyof Tries) => Promise<void>): Promise<void>;
  /** Takes a try back that was right: the e-mail is as good as new, the address has one more. */
  succeeded(tries: Tries): Promise<void>;
  /** Takes a try back of which nothing was found out. */
  giveBack(tries: Tries): Promise<void>;
}

const windowSeconds = 15 * 60;
/** Within the window. Many people may share one address. */
const triesOf = { email: 10, address: 50, session: 10 };

const firstLockSeconds = 60;
const longestLockSeconds = 3600;
/** How long it is remembered that somebody was shut out: the next time is twice as long. */
const memorySeconds = 24 * 3600;

/**
 * Bounds the wrong logins per e-mail and per address, whether there is such an account or not. Whoever goes on is
 * shut out for a minute, and each time within a day for twice as long, up to an hour; the right password does not
 * help meanwhile, for whoever could tell that it is right could go on guessing. Processes that count together need
 * the same `hashKey`.
 */
export function createLoginLimit(options: { limiters?: Limiters; hashKey?: Buffer } = {}): LoginLimit {
  const { limiters = openLimiters({}), hashKey = randomBytes(32) } = options;
  const nameOf = keyedHash(hashKey);
  const keysOf = (tries: Tries) => ({
    email: nameOf(tries.email),
    address: nameOf(networkOf(tries.address)),
  });
  const email = createLock({ limiters, name: 'email', points: triesOf.email });
  const address = createLock({ limiters, name: 'address', points: triesOf.address });

  return {
    take: async (tries, onLock) => {
      const keys = keysOf(tries);
      await address.take(keys.address, () => onLock('address'));
      try {
        await email.take(keys.email, () => onLock('email'));
      } catch (refused) {
        // Nothing was guessed, and others at that address are not to pay for it.
        await address.giveBack(keys.address);
        throw refused;
      }
    },
    succeeded: async (tries) => {
      const keys = keysOf(tries);
      await Promise.all([email.forget(keys.email), address.giveBack(keys.address)]);
    },
    giveBack: async (tries) => {
      const keys = keysOf(tries);
      await Promise.all([email.giveBack(keys.email), address.giveBack(keys.address)]);
    },
  };
}

/** The same brake on guessing the current password of a session's account, by the session: nobody else can lock it. */
export function createPasswordLimit(options: { limiters?: Limiters } = {}): Brake {
  const { limiters = openLimiters({}) } = options;
  return createLock({ limiters, name: 'session', points: triesOf.session });
}

function createLock(options: { limiters: Limiters; name: string; points: number }): Brake {
  const { limiters, name, points } = options;
  const tries = limiters.create({ name: `login-${name}`, points, durationSeconds: windowSeconds });
  const locks = limiters.create({
    name: `login-${name}-locks`,
    points: 1_000_000,
    durationSeconds: memorySeconds,
  });

  return {
    take: async (key, onLock) => {
      try {
        await tries.consume(key);
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        let waitMs: number;
        if (refused.consumedPoints === points + 1) {
          const seconds = lockSeconds((await locks.consume(key)).consumedPoints);
          await tries.block(key, seconds);
          waitMs = seconds * 1000;
          await onLock();
        } else {
          // The lock of a try at the same moment may be on its way, and the window is longer than it.
          const times = (await locks.get(key))?.consumedPoints ?? 1;
          waitMs = Math.min(refused.msBeforeNext, lockSeconds(times) * 1000);
        }
        throw new TidingsError('rate_limited', {
          detail: 'Too many wrong logins',
          headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) },
        });
      }
    },
    forget: async (key) => {
      await Promise.all([tries.delete(key), locks.delete(key)]);
    },
    giveBack: async (key) => {
      await tries.reward(key);
    },
  };
}

/** How long the nth lock within a day lasts. */
function lockSeconds(times: number): number {
  return Math.min(firstLockSeconds * 2 ** (times - 1), longestLockSeconds);
}

/** Names whom it counts for by a keyed hash: who tries from where is not to be read where the counters are kept. */
function keyedHash(key: Buffer): (text: string) => string {
  return (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 32);
}

/** Of IPv6 the first 64 bits: whoever has one such network has all its addresses. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4).join(':').toLowerCase();
}
