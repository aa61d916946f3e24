import { expect, test } from 'vitest';
import { readIgnore } from './dockerignore.ts';
import { readText } from './repository.ts';

test('the last pattern that matches a path or a directory above it decides', () => {
  const isLeftOut = readIgnore('# only src\n*\n!src\n!deep/one.txt\n**/*.test.ts\nsrc/*/gone\n');
  const paths = ['a', 'src', 'src/a.ts', 'src/x/a.ts', 'src/x/a.test.ts', 'src/x/gone/b', 'src/x/y/gone'];
  expect(paths.filter((path) => !isLeftOut(path))).toEqual(['src', 'src/a.ts', 'src/x/a.ts', 'src/x/y/gone']);
  expect(isLeftOut('deep/one.txt')).toBe(false);
  expect(isLeftOut('deep/two.txt')).toBe(true);
});

test('nothing private and nothing that only tests need reaches the build', () => {
  const isLeftOut = readIgnore(readText('.dockerignore'));
  const kept = [
    '.npmrc',
    'package-lock.json',
    'tidings.mjs',
    'apps/api/src/main.ts',
    'apps/api/package.json',
  ];
  const left = ['.env', '.git/config', 'data/api-key', 'test/support/child.ts', 'node_modules/zod/index.js'];
  const tests = ['apps/api/src/errors.test.ts', 'packages/db/src/store.contract.ts', 'apps/x/node_modules/y'];
  expect(kept.filter(isLeftOut)).toEqual([]);
  expect([...left, ...tests].filter((path) => !isLeftOut(path))).toEqual([]);
});
