import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newId } from './ids.ts';
import {
  makeUnsubscribeToken,
  readUnsubscribeToken,
  type Unsubscription,
  unsubscribeKey,
} from './unsubscribe-token.ts';

const key = unsubscribeKey('k'.repeat(64));
const common = { projectId: newId('project'), messageId: newId('message'), category: 'Neuigkeiten ü 🎉' };
const cases: Array<[string, Unsubscription]> = [
  ['a recipient', { ...common, subject: { recipientId: newId('recipient') } }],
  ['an address', { ...common, subject: { addressHash: randomBytes(32).toString('hex') } }],
];

describe.each(cases)('a token of %s', (_, unsubscription) => {
  const token = makeUnsubscribeToken(key, unsubscription);

  test('says what it was made of, to whoever has the key, and is the same each time', () => {
    const { isMadeWith, ...said } = readUnsubscribeToken(token) ?? { isMadeWith: () => false };
    expect(said).toEqual(unsubscription);
    expect(isMadeWith(key)).toBe(true);
    expect(isMadeWith(unsubscribeKey('x'.repeat(64)))).toBe(false);
    expect(makeUnsubscribeToken(key, unsubscription)).toBe(token);
    expect(token).toMatch(/^[\w-]{1,200}$/);
  });

  test('is none of ours with any bit of it changed, cut off, or spelt in another way', () => {
    const octets = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < octets.length * 8; bit += 1) {
      const changed = Buffer.from(octets);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readUnsubscribeToken(changed.toString('base64url'))?.isMadeWith(key) ?? false).toBe(false);
    }
    for (let length = 0; length < token.length; length += 1) {
      expect(readUnsubscribeToken(token.slice(0, length))?.isMadeWith(key) ?? false).toBe(false);
    }
    for (const other of [`${token}=`, `${token} `, token.replace(/.$/, '!'), `\n${token}`]) {
      expect(readUnsubscribeToken(other)).toBeUndefined();
    }
  });
});

test('a category that cannot be called so makes it none of ours, before anybody looks it up', () => {
  for (const category of ['\0', 'news\0', 'a\nb', '..', 'x'.repeat(101)]) {
    const token = makeUnsubscribeToken(key, {
      ...common,
      category,
      subject: { recipientId: newId('recipient') },
    });
    expect(readUnsubscribeToken(token), JSON.stringify(category)).toBeUndefined();
  }
});

test('an id that is none makes no token', () => {
  const [, [, unsubscription]] = cases as [unknown, [string, Unsubscription]];
  expect(() => makeUnsubscribeToken(key, { ...unsubscription, projectId: 'prj_1' })).toThrow('prj_1');
});
