// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these dollars are Compose's.
import { expect, test } from 'vitest';
import { interpolate, namesIn } from './interpolate.ts';

const variables = { SET: 'value', EMPTY: '' };

test.each([
  ['plain', 'plain'],
  ['a ${SET} b ${SET}', 'a value b value'],
  ['${UNSET}', ''],
  ['${SET:-default}${EMPTY:-default}${UNSET:-default}', 'valuedefaultdefault'],
  ['${SET-default}${EMPTY-default}${UNSET-default}', 'valuedefault'],
  ['${SET:+instead}${EMPTY:+instead}${UNSET:+instead}', 'instead'],
  ['${SET+instead}${EMPTY+instead}${UNSET+instead}', 'insteadinstead'],
  ['${UNSET:-a ${SET:-b}/${EMPTY:-c} d} e', 'a value/c d e'],
  ['${UNSET:-a-b:-c}', 'a-b:-c'],
  ['$$SET and $${SET}', '$SET and ${SET}'],
])('%s', (text, filledIn) => {
  expect(interpolate(text, variables)).toBe(filledIn);
});

test('what a variable holds is not looked into', () => {
  expect(interpolate('${A}${B:-b}', { A: '${B}', B: '$C' })).toBe('${B}$C');
});

test.each(['$SET', '${SET', '${}', '${SET:?needed}', 'a $ b'])('%s is refused', (text) => {
  expect(() => interpolate(text, variables)).toThrow();
});

test('names are found within defaults too', () => {
  expect([...namesIn('${A:-x ${B:+y}} ${A} b')]).toEqual(['A', 'B']);
});
