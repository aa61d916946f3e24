import fc from 'fast-check';

/** A value as JSON text that `JSON.stringify` would never write, or not for what it stands. */
export class Raw {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Text that some layer below might take for something else. */
const texts = [
  '',
  ' ',
  'null',
  'undefined',
  '[object Object]',
  'NaN',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '0',
  '-1',
  '1e9',
  '0x10',
  '007',
  '12345678901234567890',
  'a:b',
  'msg_1:g0',
  '.',
  '..',
  '../..',
  '%2e%2e',
  '%00',
  '%zz',
  '%252F',
  'a/b',
  'a\\b',
  'a?b#c',
  "'",
  '"',
  "' or 1=1 --",
  "'); drop table notifications; --",
  '$1',
  '?',
  '\0',
  'a\0b',
  '\r\nBcc: x@example.com',
  '\u001b[31m',
  '\u007f\u0085',
  '\u2028\u2029',
  '\u202eevil\u202c',
  '\u200b',
  '\ufeff',
  '\ufffe\uffff',
  '\ud800',
  '\udc00x',
  'a\udbff',
  '😀'.repeat(50),
  'e\u0301'.repeat(40),
  'İıſK',
  'ẞß',
  '{{ x }}',
  '{% for i in (1..999999999) %}x{% endfor %}',
  '{% if',
  '{{ "" | nosuch }}',
  '{% include "/etc/passwd" %}',
  'rcp_',
  'rcp_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1',
  `ntf_${'0'.repeat(32)}`,
  `ntf_${'f'.repeat(32)}`,
  `msg_${'0'.repeat(32)}`,
  'ntf_019A0C2F3B7D7C3E8F10A2B4C6D8E0F1',
  '1'.repeat(36),
  '0000-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '+010000-01-01T00:00:00Z',
  '2027-03-28T02:30:00+01:00',
  '2027-02-29T00:00:00Z',
  '2027-01-01T24:00:00Z',
  '2027-01-01T23:59:60Z',
  '2027-01-01T00:00:00-00:00',
  '2027-01-01t00:00:00z',
  'file:///etc/passwd',
  'javascript:alert(1)',
];

const raws = [
  '1e400',
  '-1e400',
  '1e308',
  '5e-324',
  '-0',
  '2147483648',
  '-2147483649',
  '9007199254740993',
  '9223372036854775808',
  '1.5',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  'true',
  'false',
  'null',
  'NaN',
  'Infinity',
  'undefined',
  '01',
  '+1',
  '.5',
  '"\\ud800"',
  '"\\u0000"',
  '"\\x41"',
  '"\t"',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{"admin":true}}}',
  '{"toJSON":1,"toString":1,"valueOf":1,"then":1}',
  '{"length":1e9}',
  '{"a":1,"a":2}',
  '[,]',
  '',
  nested(33, '[', ']'),
  nested(5000, '[', ']'),
  nested(30, '{"a":', '}').replace('}', '1}'),
];

/** Such a text. */
export const hostileText: fc.Arbitrary<string> = fc.constantFrom(...texts);

/** A value that does not belong there: of the wrong kind, huge, tiny, in disguise, or no JSON at all. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 6, arbitrary: fc.constantFrom(...raws).map((json) => new Raw(json)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 2,
    arbitrary: fc.anything({ withNullPrototype: false }).map((value) => JSON.parse(safeJson(value))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', '"', '\u0001', '漢', '😀', '-', 'a.', '{{', '%'),
        fc.constantFrom(65, 256, 5000, 70_000),
      )
      .map(([unit, count]) => unit.repeat(count)),
  },
);

function safeJson(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one)) ?? 'null';
}

type Path = ReadonlyArray<string | number>;

/** Every place of a value, its own included. */
function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null || value instanceof Raw) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))];
}

/** The value with another one in one place; what is not there yet is added. */
function withAt(value: unknown, [head, ...rest]: Path, replacement: unknown): unknown {
  if (head === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === Number(head) ? withAt(item, rest, replacement) : item));
  }
  const fields = Object.entries(value ?? {}).filter(([key]) => key !== String(head));
  const inner = Object.getOwnPropertyDescriptor(value ?? {}, head)?.value;
  return Object.fromEntries([...fields, [String(head), withAt(inner, rest, replacement)]]);
}

/** A good input with one thing wrong (or, by luck, still good): a field replaced, given twice, or unknown. */
export function mutated(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .record({
      input: valid,
      where: fc.nat(),
      value: hostileValue,
      how: fc.constantFrom('replace', 'replace', 'replace', 'add', 'twice'),
      name: fc.constantFrom(
        '__proto__',
        'constructor',
        'id',
        'idempotencyKey',
        'projectId',
        'x\0',
        '\ud800',
        '',
        'a'.repeat(3000),
      ),
    })
    .map(({ input, where, value, how, name }) => {
      const places = placesOf(input);
      const inner = places.filter((path) => path.length > 0);
      const of = <Item>(list: Item[]) => list[where % list.length];
      if (how === 'add') return withAt(input, [name], value);
      const place = of(inner) ?? [];
      if (how === 'twice' && typeof place.at(-1) === 'string') {
        const json = toJson(value);
        return withAt(input, place, new Raw(`${json},${JSON.stringify(place.at(-1))}:${json}`));
      }
      return withAt(input, of(inner.length === 0 || where % 20 === 0 ? places : inner) ?? [], value);
    });
}

/** As `JSON.stringify`, with raw JSON as it is. */
export function toJson(value: unknown): string {
  if (value instanceof Raw) return value.json;
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`);
  return `{${members.join(',')}}`;
}
