import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { createSchemas, schemaFromVariables } from './index.ts';

const schemas = createSchemas();
let made = 0;
const check = (schema: Record<string, unknown>, data: Record<string, unknown>) => {
  made += 1;
  expect(schemas.faults(schema, '/schema')).toEqual([]);
  return schemas.check(`version ${made}`, schema)(data);
};

describe('the data of a send', () => {
  test('every fault is named with its place', () => {
    const schema = {
      type: 'object',
      required: ['name', 'link', 'a/b'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1 },
        link: { type: 'string', format: 'http-url' },
        'a/b': {},
        items: { type: 'array', items: { type: 'object', required: ['price'] } },
        size: { enum: ['s', 'm'] },
      },
    };
    const data = { link: 'javascript:alert(1)', items: [{ price: 1 }, {}], size: 'l', extra: 1, name: '' };
    expect(check(schema, data)).toEqual(
      expect.arrayContaining([
        { pointer: '/data/name', detail: 'must not be empty' },
        { pointer: '/data/link', detail: 'must be an absolute http or https URL' },
        { pointer: '/data/a~1b', detail: 'is required by the template' },
        { pointer: '/data/items/1/price', detail: 'is required by the template' },
        { pointer: '/data/size', detail: 'must be one of ["s","m"]' },
        { pointer: '/data/extra', detail: 'is not a variable of the template' },
      ]),
    );
    expect(check(schema, { name: 'A', link: 'https://x.example', 'a/b': null })).toEqual([]);
  });

  test('what old versions declared is checked as it was', () => {
    const schema = schemaFromVariables({ name: 'string', link: 'url' });
    expect(check(schema, { link: 'https//no' })).toEqual([
      { pointer: '/data/name', detail: 'is required by the template' },
      { pointer: '/data/link', detail: 'must be an absolute http or https URL' },
    ]);
    expect(check(schema, { name: 'A', link: 'http://x.example' })).toEqual([]);
    const inherited = JSON.parse('{ "hasOwnProperty": "string" }') as Record<string, 'string'>;
    expect(check(schemaFromVariables(inherited), {})).toHaveLength(1);
  });

  test('a million wrong items are refused with one fault', () => {
    const schema = { properties: { items: { items: { type: 'string' } } } };
    expect(check(schema, { items: Array(1_000_000).fill(1) })).toHaveLength(1);
  });

  test('a pattern that would take a backtracking engine for ever is linear', () => {
    const schema = { properties: { name: { pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } };
    expect(check(schema, { name: 'a'.repeat(10_000) })).toHaveLength(1);
    expect(check(schema, { name: 'abcDef' })).toEqual([]);
    expect(check({ properties: { name: { pattern: '^x$' } } }, { name: 'abcDef' })).toHaveLength(1);
  });

  test('patterns that together take too long are a fault of the variable, not a wait', () => {
    const patterns = Array.from({ length: 20 }, (_, at) => ({
      not: { pattern: `([ab]{1,${100 + at}}[bc]){1,3}[de]` },
    }));
    const schema = { properties: { 'a/b': { items: { allOf: patterns } } } };
    expect(check(schema, { 'a/b': ['a', 'ab'.repeat(5000)] })).toEqual([
      { pointer: '/data/a~1b/1', detail: expect.stringContaining('patterns') },
    ]);
    expect(check(schema, { 'a/b': ['ab', 'aba'] })).toEqual([]);
  });

  test('a schema that would answer later is never used to check', () => {
    expect(() => schemas.check('later', { $async: true, required: ['x'] })).toThrow('$async');
  });

  test('a property may be called like a keyword', () => {
    const names = ['$id', '$ref', '$async', '$anchor', 'default', 'const', 'enum', 'examples', 'uniqueItems'];
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    expect(check({ properties, additionalProperties: false }, { $ref: 'a', $id: 1 })).toEqual([
      { pointer: '/data/$id', detail: 'must be string' },
    ]);
    const values = [{ $id: 'x' }, { $ref: 'y' }];
    expect(check({ properties: { a: { enum: values } } }, { a: { $ref: 'y' } })).toEqual([]);
  });

  test('of a thousand schemas that were looked at most are not kept', async () => {
    const many = createSchemas();
    const looked = Array.from({ length: 1000 }, (_, at) => {
      const schema = { properties: { a: { enum: [at] } } };
      many.faults(schema, '/schema');
      return new WeakRef(schema);
    });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const kept = () => {
      collect();
      return looked.filter((schema) => schema.deref() !== undefined).length;
    };
    await until(kept, (count) => count < 600);
  });
});

describe('a schema that data must not be checked against is refused', () => {
  const nested = (depth: number): unknown => (depth === 0 ? {} : { items: nested(depth - 1) });
  const doubling = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [
      `d${at}`,
      { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  );
  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown keyword', { properties: { a: { typ: 'string' } } }, '/schema'],
    ['an unknown type', { type: 'text' }, '/schema'],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }, '/schema/$ref'],
    [
      'a reference to a file',
      { properties: { a: { $ref: 'file:///etc/passwd' } } },
      '/schema/properties/a/$ref',
    ],
    ['a reference to nothing', { $ref: '#/$defs/none' }, '/schema'],
    [
      'a reference in a circle',
      { $ref: '#/$defs/a', $defs: { a: { items: { $ref: '#/$defs/a' } } } },
      '/schema',
    ],
    ['one that doubles thirty times', { $ref: '#/$defs/d0', $defs: { ...doubling, d30: {} } }, '/schema'],
    ['an answer that comes later', { $async: true, required: ['x'] }, '/schema/$async'],
    [
      'a circle through a property that is called like a keyword',
      { $ref: '#/$defs/a', $defs: { a: { properties: { default: { $ref: '#/$defs/a' } } } } },
      '/schema',
    ],
    [
      'uniqueItems without a bound, below a property that is called like a keyword',
      { properties: { default: { items: { uniqueItems: true } } } },
      '/schema/properties/default/items/uniqueItems',
    ],
    [
      'a reference to a value, which nobody looks at otherwise',
      { properties: { a: { $ref: '#/properties/b/const' }, b: { const: { uniqueItems: true } } } },
      '/schema',
    ],
    [
      'one of 101 patterns',
      { patternProperties: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`^${at}$`, {}])) },
      '/schema',
    ],
    ['another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, '/schema/$schema'],
    ['an id of its own', { $id: 'https://example.com/' }, '/schema/$id'],
    [
      'uniqueItems without a bound',
      { properties: { a: { uniqueItems: true } } },
      '/schema/properties/a/uniqueItems',
    ],
    ['a pattern that RE2 does not know', { properties: { a: { pattern: '(?=a)b' } } }, '/schema'],
    ['a pattern of 501 characters', { properties: { a: { pattern: 'a'.repeat(501) } } }, '/schema'],
    ['a format that we do not know', { properties: { a: { format: 'regex' } } }, '/schema'],
    ['one of more than 64 KiB', { description: 'x'.repeat(65_600) }, '/schema'],
    ['3,000 levels', nested(3000) as Record<string, unknown>, '/schema'],
  ])('%s', (_, schema, pointer) => {
    expect(schemas.faults(schema, '/schema')).toMatchObject([{ pointer }]);
  });
});
