import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { TidingsError } from '@tidings/contracts';

/** Makes and checks the hashes that stand in for passwords. */
export interface Passwords {
  /** A hash in the PHC string format. */
  hash(password: string): Promise<string>;
  /** Is it the password of this hash? Without one it is not, which takes as long to find out. */
  verify(password: string, hashed: string | undefined): Promise<boolean>;
}

/** OWASP's second choice for argon2id, in KiB and passes: 19 MiB, so that a few at once fit anywhere. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;

/** argon2id of a password with a salt. */
export type Derive = (options: {
  message: Buffer;
  nonce: Buffer;
  memory: number;
  passes: number;
  parallelism: number;
  tagLength: number;
}) => Promise<Buffer>;

const deriveArgon2id: Derive = (options) => promisify(argon2)('argon2id', options);

/**
 * Passwords as argon2id (RFC 9106). Each hash takes 19 MiB and a core for a while: at most `atOnce` are made at
 * once, and at most `waiting` wait for that.
 *
 * @throws TidingsError `overloaded` with `Retry-After`, from either function, when too many wait.
 */
export function createPasswords(
  options: { atOnce?: number; waiting?: number; derive?: Derive } = {},
): Passwords {
  const { atOnce = 2, waiting = 16, derive = deriveArgon2id } = options;
  const inTurn = createTurns({ atOnce, waiting });
  // Nobody's: no password leads to a random tag.
  const dummy = toPhc({ ...cost, nonce: randomBytes(16), tag: randomBytes(tagLength) });

  return {
    hash: async (password) => {
      const nonce = randomBytes(16);
      const tag = await inTurn(() => derive({ message: octetsOf(password), nonce, ...cost, tagLength }));
      return toPhc({ ...cost, nonce, tag });
    },
    verify: async (password, hashed) => {
      const { tag, ...parameters } = fromPhc(hashed ?? dummy);
      const given = await inTurn(() =>
        derive({ message: octetsOf(password), ...parameters, tagLength: tag.length }),
      );
      return timingSafeEqual(given, tag) && hashed !== undefined;
    },
  };
}

/** A letter with an accent is one character or two, depending on the keyboard. */
function octetsOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'));
}

/** Lets `atOnce` run and `waiting` wait; refuses the rest. */
function createTurns({ atOnce, waiting }: { atOnce: number; waiting: number }) {
  const queue: Array<() => void> = [];
  let running = 0;

  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw new TidingsError('overloaded', { headers: { 'retry-after': '1' } });
      // Whoever ends hands its turn over, so that nobody comes in between.
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

interface Hashed {
  memory: number;
  passes: number;
  parallelism: number;
  nonce: Buffer;
  tag: Buffer;
}

/** The PHC string format: `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>`, Base64 without padding. */
function toPhc({ memory, passes, parallelism, nonce, tag }: Hashed): string {
  const [salt, hash] = [nonce, tag].map((octets) => octets.toString('base64').replaceAll('=', ''));
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${salt}$${hash}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function fromPhc(text: string): Hashed {
  const [, memory, passes, parallelism, salt, hash] = phc.exec(text) ?? [];
  if (salt === undefined || hash === undefined) throw new Error('a password hash on record is not readable');
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(hash, 'base64'),
  };
}
