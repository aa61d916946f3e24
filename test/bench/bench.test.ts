import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rowsNamed } from '../../bench/rows.ts';
import { startChild } from '../support/child.ts';
import { tempDir } from '../support/temp-dir.ts';

test('the benchmark has every row once and finds rows by id and group', () => {
  const ids = rowsNamed([]).map(({ id }) => id);
  expect(ids.join(' ')).toBe('A1 A2 A3 A4 D1 D2 D3 D4 E1 E2 S1 S2 S3 S4 S5 I1');
  expect(rowsNamed(['d1', 'A1']).map(({ id }) => id)).toEqual(['A1', 'D1']);
  expect(rowsNamed(['accept'])).toHaveLength(4);
  expect(() => rowsNamed(['A9'])).toThrow('"A9" is no row');
});

test('a row of the benchmark runs from end to end and says what it measured', async () => {
  const dir = tempDir();
  const out = join(dir.path, 'result.json');
  const args = ['--quick', '--rounds', '1', '--engine', 'embedded+sqlite', '--out', out, 'A3'];
  const bench = startChild(['bench/main.ts', ...args], {});
  await bench.printed(/\| A3 .*(reached|missed|error)/);
  await bench.printed(/result\.json\n/);
  const { rows } = JSON.parse(readFileSync(out, 'utf8'));
  dir.remove();
  expect(rows).toEqual([
    expect.objectContaining({ id: 'A3', value: expect.any(Number), ratio: expect.any(Number) }),
  ]);
});
