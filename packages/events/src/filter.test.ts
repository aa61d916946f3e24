import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFilter, passesFilter, runFilter } from './filter.ts';
import { stepsAtMost } from './filter-evaluate.ts';

const order = {
  type: 'order.created',
  source: '/orders',
  subject: 'user-42',
  origin: 'application' as const,
  data: {
    total: 129.5,
    count: 3,
    country: 'FR',
    gift: false,
    note: null,
    customer: { name: 'Ada', tags: ['new', 'vip'] },
    items: [
      { sku: 'a-1', price: 10 },
      { sku: 'b-2', price: 119.5, weight: 4 },
    ],
    'odd key': 1,
  },
};
const eventWith = (data: object) => ({ ...order, data: data as typeof order.data });

describe('a filter', () => {
  test.each([
    'data.total >= 100',
    'data.total >= 100.0 && data.country in ["FR", "DE"]',
    'data.count == 3 && data.count == 3.0 && data.count == 3u',
    'data.count + 1 > 3 && data.total - 9.5 == 120 && -data.count < 0 && data.count % 2 == 1',
    'type == "order.created" && source == "/orders" && subject.startsWith("user-")',
    'data["odd key"] == 1 && data.items[1].sku == "b-2"',
    'has(data.customer.name) && !has(data.customer.email) && has(data.note)',
    'data.note == null',
    '!data.gift',
    'data.items.exists(item, item.price > 100)',
    'data.items.all(item, item.price >= 10)',
    'data.items.exists_one(item, item.sku.endsWith("-2"))',
    'data.items.filter(item, item.price > 100).size() == 1',
    'data.items.map(item, item.sku) == ["a-1", "b-2"]',
    'data.items.exists(item, data.customer.tags.exists(tag, tag == "vip" && item.price > 100))',
    '"vip" in data.customer.tags && "name" in data.customer',
    'data.customer == {"tags": ["new", "vip"], "name": "Ada"}',
    'size(data.items) == 2 && size(data.customer) == 2 && "日本😀".size() == 3',
    'data.country.lowerAscii() == "fr" && data.country.contains("R")',
    'data.country + "-" + string(data.count) == "FR-3"',
    'int("42") == 42 && int(3.9) == 3 && double("1.5") == 1.5',
    'data.total > 100 ? data.country == "FR" : false',
    'data.missing == 1 || data.count == 3',
    'data.customer.exists(key, key == "name")',
  ])('is true: %s', (text) => {
    expect(checkFilter(text)).toEqual([]);
    expect(passesFilter(text, order)).toBe(true);
  });

  test.each([
    'data.total > 1000',
    'data.country != "FR"',
    'data.missing == 1',
    'data.missing != 1',
    '!(data.missing == 1)',
    'data.customer.address.city == "Paris"',
    'data.note.text == "x"',
    'data.note > 3',
    'data.items[7].sku == "a-1"',
    'data.items.all(item, item.weight > 3)',
    'data.count == "3"',
  ])('is not: %s', (text) => {
    expect(checkFilter(text)).toEqual([]);
    expect(passesFilter(text, order)).toBe(false);
  });

  test.each([
    'data.country > 3',
    'data.country && !data.gift',
    'data.customer + 1 == 2',
    'data.country.name == "x"',
    'data.total / 0 > 1',
    'data.count.startsWith("3")',
    'data.customer',
    'int(data.country) == 1',
    'data.missing == 1 || data.country > 3',
  ])('whose parts do not fit the data has failed: %s', (text) => {
    expect(checkFilter(text)).toEqual([]);
    expect(passesFilter(text, order)).toBe('failed');
  });

  test('asks nothing of an event that has neither subject nor source', () => {
    const bare = { ...order, subject: null, source: '' };
    expect(passesFilter('subject.startsWith("user-")', bare)).toBe(false);
    expect(passesFilter('subject == null && source == null', bare)).toBe(true);
  });

  test.each([
    ['data.total >=', /cannot be read/],
    ['data.total = 3', /cannot be read/],
    ['order.total > 3', /knows no order/],
    ['data.total.matches("(a+)+$")', /knows no \.matches/],
    ['cel.bind(x, data, x.y)', /knows no/],
    ['timestamp(data.at) > timestamp(data.until)', /knows no timestamp/],
    ['require("fs")', /knows no require/],
    ['constructor(1)', /knows no constructor/],
    ['data.constructor("x")()', /./],
    ['"a".constructor()', /knows no \.constructor/],
    ['data.items.map(item, item.sku)', /must be true or false/],
    ['data.total + 1', /must be true or false/],
    ['"true"', /must be true or false/],
    ['1 < "a"', /together/],
    ['data.gift && 3', /needs a bool/],
    ['b"abc" == b"abc"', /bytes/],
    ['has(data)', /has\(\)/],
    ['data.items.exists(item)', /./],
    ['data.items.exists("item", true)', /./],
    ['type.exists(item, true)', /of a string/],
    ['google.protobuf == 1', /knows no google/],
    [`${'('.repeat(900)}true${')'.repeat(900)}`, /cannot be read/],
    [`${'!'.repeat(1900)}true`, /cannot be read/],
    [`data.x in [${'1,'.repeat(900)}1]`, /cannot be read/],
  ])('that cannot be used is refused: %s', (text, detail) => {
    expect(checkFilter(text)).toMatchObject([{ pointer: '/filter', detail: expect.stringMatching(detail) }]);
    expect(passesFilter(text, order)).toBe('failed');
  });
});

describe('whoever writes a filter or publishes', () => {
  test.each([
    'has(data.constructor)',
    'has(data.__proto__)',
    'has(data.customer.toString)',
    'has(data.items[0].hasOwnProperty)',
    '"constructor" in data',
    'data["__proto__"] == null',
    'data["constructor"] == data["constructor"]',
    '{"a": 1}["constructor"] != null',
    'data.items.exists(item, has(item.__proto__))',
  ])('gets at no prototype: %s', (text) => {
    expect(passesFilter(text, order)).toBe(false);
  });

  test('and what only looks like one is data as any other', () => {
    const event = eventWith(JSON.parse('{"__proto__": {"admin": true}, "constructor": "x"}'));
    expect(passesFilter('data["__proto__"].admin && data.constructor == "x"', event)).toBe(true);
    expect(passesFilter('has(data.admin)', event)).toBe(false);
  });

  const many = Array.from({ length: 250_000 }, () => 1);
  const long = 'a'.repeat(500_000);
  const members = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`member-${index}`, 1]));
  test.each([
    ['data.many.all(a, data.many.all(b, data.many.all(c, a == b)))', { many }],
    ['data.many.map(a, data.many.map(b, data.many)) == []', { many }],
    ['data.many.exists(a, a.missing == 1)', { many }],
    ['data.many.exists(a, data.many == data.other)', { many, other: [...many] }],
    ['data.many.exists(a, -1 in data.many)', { many }],
    ['data.many.exists(a, size(data.long) == 0)', { many: many.slice(0, 200_000), long }],
    ['data.many.exists(a, (data.many + data.many).size() == 0)', { many }],
    ['data.many.map(a, data.many + data.many).size() == 0', { many }],
    ['data.text.contains(data.part)', { text: `${long}b`, part: `${'a'.repeat(250_000)}c` }],
    ['data.one == data.other', { one: members, other: { ...members } }],
    ['data.members.exists(a, data.members.exists(b, a + b == ""))', { members }],
    [`${'data.long + '.repeat(100)}"" == ""`, { long }],
    [`${Array(60).fill('data.long.lowerAscii() == "b"').join(' || ')}`, { long }],
    ['data.text.upperAscii() == "B"', { text: 'a1'.repeat(100_000) }],
  ])('cannot make it cost more than so many steps: %s', (text, data) => {
    expect(checkFilter(text)).toEqual([]);
    expect(runFilter(text, eventWith(data))).toEqual({ answer: 'failed', steps: stepsAtMost });
  });

  test('is held up by no filter that is only long', () => {
    const text = Array(60).fill('data.country in ["FR", "DE"]').join(' && ');
    expect(passesFilter(text, order)).toBe(true);
    expect(runFilter(text, order).steps).toBeLessThan(1000);
    expect(passesFilter(`${'true && '.repeat(240)}true`, order)).toBe(true);
  });

  test('breaks nothing with any text and any data', () => {
    const piece = fc.constantFrom(
      ...[
        'data',
        '.a',
        '["a"]',
        '[0]',
        ' == ',
        ' && ',
        ' || ',
        '!',
        '(',
        ')',
        '1',
        '1.5',
        '"x"',
        'null',
        'true',
      ],
      ...[
        '.exists(x, ',
        '.map(x, ',
        'x',
        ' in ',
        '[',
        ']',
        '{',
        '}',
        ': ',
        ', ',
        ' ? ',
        'has(',
        'size(',
        ' + ',
        '-',
      ],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, fc.dictionary(fc.string(), fc.jsonValue()), (text, data) => {
        const faults = checkFilter(text);
        const answer = passesFilter(text, eventWith(data));
        expect([true, false, 'failed']).toContain(answer);
        if (faults.length > 0) expect(answer).toBe('failed');
      }),
      { numRuns: 1000 },
    );
  });
});
