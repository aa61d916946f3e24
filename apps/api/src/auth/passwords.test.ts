import { argon2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createPasswords, type Derive } from './passwords.ts';

const passwords = createPasswords();

test('a password is known again by its hash, which says how it was made and holds nothing of it', async () => {
  const hashed = await passwords.hash('correct horse battery');
  expect(hashed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await passwords.verify('correct horse battery', hashed)).toBe(true);
  expect(await passwords.verify('correct horse batterx', hashed)).toBe(false);
  expect(await passwords.hash('correct horse battery')).not.toBe(hashed);
});

test('a hash of other parameters is read as it was made', async () => {
  const nonce = Buffer.alloc(16, 7);
  const cheap = { message: 'a password', nonce, memory: 64, passes: 3, parallelism: 1, tagLength: 24 };
  const [salt, tag] = [nonce, argon2Sync('argon2id', cheap)].map((octets) =>
    octets.toString('base64').replaceAll('=', ''),
  );
  const hashed = `$argon2id$v=19$m=64,t=3,p=1$${salt}$${tag}`;
  expect(await passwords.verify('a password', hashed)).toBe(true);
  expect(await passwords.verify('another one', hashed)).toBe(false);
});

test('an accent is the same letter from every keyboard', async () => {
  const hashed = await passwords.hash('caf\u00e9 au lait');
  expect(await passwords.verify('cafe\u0301 au lait', hashed)).toBe(true);
});

/** A derivation that ends when it is told to, and notes what it was asked. */
function heldDerive() {
  const asked: Array<Parameters<Derive>[0]> = [];
  const ends: Array<() => void> = [];
  let most = 0;
  const derive: Derive = async (options) => {
    asked.push(options);
    most = Math.max(most, ends.length + 1);
    await new Promise<void>((resolve) => ends.push(resolve));
    return Buffer.alloc(options.tagLength);
  };
  const endOne = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return { derive, asked, endOne, running: () => ends.length, most: () => most };
}

test('without an account the same work is done, and no password is right', async () => {
  const { derive, asked, endOne } = heldDerive();
  const { verify } = createPasswords({ derive });
  const hashed = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
  const [known, unknown] = [verify('x', hashed), verify('x', undefined)];
  await endOne();
  await endOne();
  expect([await known, await unknown]).toEqual([true, false]);
  const costOf = ({ memory, passes, parallelism, tagLength, nonce }: Parameters<Derive>[0]) => ({
    memory,
    passes,
    parallelism,
    tagLength,
    salt: nonce.length,
  });
  expect(asked.map(costOf)).toEqual(Array(2).fill(asked[0] && costOf(asked[0])));
});

test('no more than two hashes are made at once, some wait in turn, and the rest is refused', async () => {
  const { derive, endOne, running, most } = heldDerive();
  const { hash, verify } = createPasswords({ derive, atOnce: 2, waiting: 3 });
  const done: number[] = [];
  const calls = Array.from({ length: 5 }, (_, index) =>
    (index % 2 ? hash('x') : verify('x', undefined)).then(() => done.push(index)),
  );
  const refused = { code: 'overloaded', headers: { 'retry-after': '1' } };
  await expect(hash('x')).rejects.toMatchObject(refused);
  await expect(verify('x', undefined)).rejects.toMatchObject(refused);
  await new Promise(setImmediate);
  expect(running()).toBe(2);
  for (let ended = 0; ended < 5; ended += 1) await endOne();
  await Promise.all(calls);
  expect(done).toEqual([0, 1, 2, 3, 4]);
  expect(most()).toBe(2);
  const after = hash('x');
  await new Promise(setImmediate);
  await endOne();
  await after;
});
