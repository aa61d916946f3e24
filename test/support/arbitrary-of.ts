import fc from 'fast-check';
import { z } from 'zod';

/** Values worth a try by the name of the field they are for, such as ids that exist. Those that do not fit are left out. */
export type Samples = Record<string, readonly unknown[]>;

/**
 * Inputs that a zod 4 schema accepts and JSON bodies may hold (no NUL, no lone surrogates), for fast-check. It covers what the contracts are written with; anything
 * else throws, so that a new kind of schema is seen. Libraries for this exist for zod 3 only.
 *
 * Structure comes from the schema, what text looks like from its JSON Schema, and whatever refinements
 * demand beyond both from a filter at every level.
 */
export function arbitraryOf(schema: z.ZodType, samples: Samples = {}): fc.Arbitrary<unknown> {
  return arbitraryFor(schema as z.ZodType, samples, '');
}

function arbitraryFor(schema: unknown, samples: Samples, field: string): fc.Arbitrary<unknown> {
  const type = schema as z.ZodType;
  const made = structureOf(type, samples, field);
  const known = (Object.hasOwn(samples, field) ? (samples[field] ?? []) : []).filter(
    (value) => type.safeParse(value).success,
  );
  const all = known.length === 0 ? made : fc.oneof(fc.constantFrom(...known), made);
  return all.filter((value) => type.safeParse(value).success);
}

function structureOf(schema: z.ZodType, samples: Samples, field: string): fc.Arbitrary<unknown> {
  const inner = (one: unknown, name = field) => arbitraryFor(one, samples, name);
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(([name, one]) => [name, inner(one, name)] as const);
    const requiredKeys = Object.keys(schema.shape).filter((name) => !accepts(schema.shape[name], undefined));
    return fc.record(Object.fromEntries(fields), { requiredKeys, noNullPrototype: true });
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return inner(schema.unwrap());
  if (schema instanceof z.ZodNullable) return fc.oneof(inner(schema.unwrap()), fc.constant(null));
  if (schema instanceof z.ZodUnion) return fc.oneof(...schema.options.map((one) => inner(one)));
  if (schema instanceof z.ZodNull) return fc.constant(null);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodUnknown) return storableJson();
  const rules = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Rules;
  if (schema instanceof z.ZodRecord) {
    return fc.dictionary(string(rules.propertyNames ?? {}).filter(isUsableKey), inner(schema.valueType), {
      maxKeys: 5,
      noNullPrototype: true,
    });
  }
  if (schema instanceof z.ZodArray) {
    const { minItems = 0, maxItems = 5 } = rules;
    return fc.array(inner(schema.element), {
      minLength: minItems,
      maxLength: Math.min(maxItems, minItems + 5),
    });
  }
  if (rules.type === 'string') return string(rules).filter(isStorable);
  if (rules.type === 'boolean') return fc.boolean();
  if (rules.type === 'number') return fc.double({ noNaN: true, noDefaultInfinity: true });
  if (rules.type === 'integer') return fc.integer({ min: rules.minimum, max: rules.maximum });
  throw new Error(`no arbitrary for ${schema.def.type}`);
}

function accepts(schema: unknown, value: unknown): boolean {
  return (schema as z.ZodType).safeParse(value).success;
}

/** The words of JSON Schema that are looked at. */
interface Rules {
  type?: string;
  format?: string;
  pattern?: string;
  examples?: string[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  propertyNames?: Rules;
}

function string({ format, pattern, examples = [], ...length }: Rules): fc.Arbitrary<string> {
  const made =
    formatted(format) ?? (pattern === undefined ? text(length) : fc.stringMatching(new RegExp(pattern)));
  // What a refinement demands may never be hit by chance: the example always is.
  return examples.length === 0 ? made : fc.oneof(made, fc.constantFrom(...examples));
}

function formatted(format = ''): fc.Arbitrary<string> | undefined {
  if (format === 'email') return fc.emailAddress();
  if (format === 'date-time') return instant();
  if (format === 'uri') return fc.webUrl({ validSchemes: ['http', 'https'] });
  if (format === 'uuid') return fc.uuid();
  return undefined;
}

/** Any text, now and then of the greatest length in characters of one, two, three or four bytes. */
function text({
  minLength = 0,
  maxLength = 100,
}: Pick<Rules, 'minLength' | 'maxLength'>): fc.Arbitrary<string> {
  const short = fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, minLength + 40) });
  const readable = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 20) });
  const longest = fc
    .tuple(fc.constantFrom('a', 'é', '漢', '😀'), fc.nat({ max: 1000 }))
    .map(([unit, seed]) => scrambled(unit, Math.min(maxLength, 5000), seed));
  return fc.oneof(
    { weight: 4, arbitrary: short },
    { weight: 4, arbitrary: readable },
    { weight: 1, arbitrary: longest },
  );
}

/** `length` UTF-16 units near `unit` that do not repeat, since a database may compress what does. */
function scrambled(unit: string, length: number, seed: number): string {
  const first = unit.codePointAt(0) ?? 0;
  let state = seed + 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCodePoint(first + (state % 24));
  };
  return Array.from({ length: Math.floor(length / unit.length) }, next).join('');
}

/** RFC 3339: near now, or anywhere from the year 0 to 9999, with any offset. */
function instant(): fc.Arbitrary<string> {
  const yearMs = 366 * 86_400_000;
  const now = Date.now();
  const near = fc.integer({ min: now, max: now + yearMs }).map((ms) => new Date(ms));
  const anywhere = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  const offset = fc
    .tuple(fc.constantFrom('+', '-'), fc.nat({ max: 23 }), fc.constantFrom('00', '30', '45', '59'))
    .map(([sign, hours, minutes]) => `${sign}${String(hours).padStart(2, '0')}:${minutes}`);
  return fc
    .tuple(fc.oneof(near, anywhere), fc.oneof(fc.constant('Z'), offset))
    .map(([date, zone]) => date.toISOString().replace('Z', zone));
}

/** JSON that a record can hold: no NUL, no lone surrogates, no `__proto__`, far from the depth limit. */
function storableJson(): fc.Arbitrary<unknown> {
  const key = fc.string({ unit: 'binary', maxLength: 10 }).filter(isUsableKey);
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.integer(),
      fc.string({ unit: 'binary' }).filter(isStorable),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  return json;
}

function isUsableKey(name: string): boolean {
  return name !== '__proto__' && isStorable(name);
}

function isStorable(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0');
}
