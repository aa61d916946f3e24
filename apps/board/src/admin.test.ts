import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@tidings/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { findAdmin } from './admin.ts';

let dataDir: string;
let remove: () => void;
beforeEach(() => {
  ({ path: dataDir, remove } = tempDir());
});
afterEach(() => remove());

const path = () => join(dataDir, 'admin-password');

test('the first start makes a password that only its owner can read, and later ones find it', async () => {
  const first = await findAdmin({ dataDir });
  expect(first).toMatchObject({ email: 'admin@localhost', source: 'generated' });
  expect(first.password.length).toBeGreaterThanOrEqual(20);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(readFileSync(path(), 'utf8').trim()).toBe(first.password);
  expect(await findAdmin({ dataDir, email: 'ops@example.com' })).toEqual({
    email: 'ops@example.com',
    password: first.password,
    source: 'file',
  });
});

test('a password that is given wins, and nothing is written', async () => {
  const given = { email: 'ops@example.com', password: 'correct horse' };
  expect(await findAdmin({ dataDir, ...given })).toEqual({ ...given, source: 'environment' });
  expect(() => statSync(path())).toThrow();
});

test('a file that holds no password lets nobody in: it is a fault at start', async () => {
  writeFileSync(path(), '\n');
  await expect(findAdmin({ dataDir })).rejects.toThrow(ConfigError);
});
