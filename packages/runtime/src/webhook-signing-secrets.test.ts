import { webhookSecret } from '@tidings/contracts';
import { expect, test } from 'vitest';
import { createSeal, SealError } from './seal.ts';
import {
  newSigningSecret,
  openSigningSecrets,
  sealSigningSecrets,
  secretsInUse,
} from './webhook-signing-secrets.ts';

const seal = createSeal({ secrets: ['x'.repeat(32)] });

test('a secret that is made is one that may be given, and no two are equal', () => {
  const secrets = Array.from({ length: 100 }, newSigningSecret);
  for (const secret of secrets) expect(webhookSecret.safeParse(secret).success).toBe(true);
  expect(new Set(secrets).size).toBe(100);
});

test('they open for their subscription only', () => {
  const secrets = { current: newSigningSecret(), previous: { secret: newSigningSecret(), until: 1000 } };
  const sealed = sealSigningSecrets(seal, 'sub_1', secrets);
  expect(openSigningSecrets(seal, 'sub_1', sealed)).toEqual(secrets);
  expect(() => openSigningSecrets(seal, 'sub_2', sealed)).toThrow(SealError);
});

test('the one before is used as well until its time', () => {
  const secrets = { current: 'new', previous: { secret: 'old', until: 1000 } };
  expect(secretsInUse(secrets, 999)).toEqual(['new', 'old']);
  expect(secretsInUse(secrets, 1000)).toEqual(['new']);
  expect(secretsInUse({ current: 'new' }, 999)).toEqual(['new']);
});
