import { expect, test } from 'vitest';
import { startChild } from './child.ts';
import { createFailpoint } from './failpoint.ts';

test('a failpoint is refused in production', () => {
  const env = { NODE_ENV: 'production', TIDINGS_FAILPOINT: 'M6' };
  expect(() => createFailpoint(env)).toThrow('not in production');
});

test('a moment that there is not is refused', () => {
  expect(() => createFailpoint({ TIDINGS_FAILPOINT: 'M77' })).toThrow('must be one of M1');
});

test('the process is killed at its moment, on the pass that was asked for, and at no other', async () => {
  const script = `
    import { createFailpoint } from './test/support/failpoint.ts';
    const { pass } = createFailpoint(process.env);
    for (const moment of ['M5', 'M6', 'M5', 'M6', 'M5']) {
      process.stdout.write(moment + ' ');
      pass(moment);
    }
    process.stdout.write('end');`;
  const run = async (value: string) => {
    const child = startChild(['--input-type=module', '--eval', script], { TIDINGS_FAILPOINT: value });
    await child.exited;
    return child.output();
  };
  expect(await run('M6')).toBe('M5 M6 ');
  expect(await run('M6:2')).toBe('M5 M6 M5 M6 ');
  expect(await run('M6:3')).toBe('M5 M6 M5 M6 M5 end');
  expect(await run('')).toBe('M5 M6 M5 M6 M5 end');
});
