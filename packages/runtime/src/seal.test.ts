import { expect, test } from 'vitest';
import { createSeal, SealError } from './seal.ts';

const [one, two] = ['first-secret-of-thirty-two-characters', 'second-secret-of-thirty-two-characters'];
const text = 'smtp://user:pässword@mail.example.com';

test('what is sealed opens, and does not show what it holds', () => {
  const { seal, open } = createSeal({ secrets: [one] });
  const sealed = seal(text, 'prv_1');
  expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
  expect(sealed).not.toContain('mail');
  expect(open(sealed, 'prv_1')).toBe(text);
  expect(seal(text, 'prv_1')).not.toBe(sealed);
  expect(open(seal('', 'prv_1'), 'prv_1')).toBe('');
});

test('it opens for what it was sealed for, and unchanged, only', () => {
  const { seal, open } = createSeal({ secrets: [one] });
  const sealed = seal(text, 'prv_1');
  expect(() => open(sealed, 'prv_2')).toThrow(SealError);
  for (let at = sealed.lastIndexOf('.') + 1; at < sealed.length; at += 7) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
    expect(() => open(changed, 'prv_1'), changed).toThrow(SealError);
  }
  for (const broken of [
    '',
    'v1',
    'v2.x.y.z',
    sealed.slice(0, -30),
    `${sealed.split('.').slice(0, 3).join('.')}.`,
  ]) {
    expect(() => open(broken, 'prv_1'), broken).toThrow(SealError);
  }
});

test('a secret is changed without losing what was sealed before', () => {
  const before = createSeal({ secrets: [one] }).seal(text, 'prv_1');
  const changing = createSeal({ secrets: [two, one] });
  expect(changing.open(before, 'prv_1')).toBe(text);
  const after = createSeal({ secrets: [two] });
  expect(after.open(changing.seal(text, 'prv_1'), 'prv_1')).toBe(text);
  expect(() => after.open(before, 'prv_1')).toThrow(/ENCRYPTION_KEY/);
});
