import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '@tidings/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { findJwtSecrets } from './jwt-secrets.ts';

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir.remove());

test('the first start makes a secret that only its owner can read, and later ones find it', () => {
  const [secret = '', ...others] = findJwtSecrets({ DATA_DIR: dir.path });
  expect(others).toEqual([]);
  expect(secret.length).toBeGreaterThanOrEqual(64);
  expect(statSync(join(dir.path, 'jwt-secret')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dir.path, 'jwt-secret'), 'utf8').trim()).toBe(secret);
  expect(findJwtSecrets({ DATA_DIR: dir.path })).toEqual([secret]);
  expect(readdirSync(dir.path)).toEqual(['jwt-secret']);
});

test('given secrets are taken in their order, and nothing is written', () => {
  const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
  const given = { DATA_DIR: dir.path, JWT_SECRET: first, JWT_SECRET_PREVIOUS: second };
  expect(findJwtSecrets(given)).toEqual([first, second]);
  expect(readdirSync(dir.path)).toEqual([]);
});

test('a file with too little in it is refused, and told by its path only', () => {
  writeFileSync(join(dir.path, 'jwt-secret'), 'too short\n');
  expect(() => findJwtSecrets({ DATA_DIR: dir.path })).toThrow(ConfigError);
  expect(() => findJwtSecrets({ DATA_DIR: dir.path })).toThrow(/jwt-secret holds fewer/);
  expect(() => findJwtSecrets({ DATA_DIR: dir.path })).not.toThrow(/too short/);
});

test('processes that start at once have one secret', async () => {
  const program = `
    const { findJwtSecrets } = await import(${JSON.stringify(new URL('./jwt-secrets.ts', import.meta.url).href)});
    console.log(findJwtSecrets({ DATA_DIR: ${JSON.stringify(dir.path)} })[0]);`;
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]),
    ),
  );
  expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1);
  expect(outputs[0]?.stdout.trim()).toBe(findJwtSecrets({ DATA_DIR: dir.path })[0]);
});
