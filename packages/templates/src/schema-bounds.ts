import type { ErrorDetail, JsonObject } from '@tidings/contracts';

const draft = 'https://json-schema.org/draft/2020-12/schema';
/** Characters of a schema as JSON, at most. */
const longest = 64 * 1024;
/** Schemas that one value of the data may have to pass, at most, with what references lead to counted each time. */
const mostChecks = 2000;
/** Levels of a schema, at most: as many as a body may have. */
const deepest = 32;
/** Patterns of a schema, at most: each is compiled, and kept. */
const mostPatterns = 100;
/** `uniqueItems` compares each item with each other one. */
const mostUniqueItems = 1000;

/** Those that lead elsewhere, or whose end nobody can see from the schema alone. */
const refused = new Set([
  '$id',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$vocabulary',
  // Ajv's own: the check would answer a promise.
  '$async',
]);
/** Keywords whose members are schemas under names that anybody may choose. */
const named = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);
/** Keywords that hold values, and no schemas. */
const literal = new Set(['const', 'enum', 'default', 'examples']);

/**
 * Why data should not be checked against this schema, whether or not it is a valid one: it is too large, leads
 * elsewhere, or could take a time that nobody can bound.
 */
export function schemaFaults(schema: JsonObject, pointer: string): ErrorDetail[] {
  if (JSON.stringify(schema).length > longest) {
    return [{ pointer, detail: `is longer than ${longest} characters` }];
  }
  const { $schema } = schema;
  if ($schema !== undefined && $schema !== draft && $schema !== `${draft}#`) {
    return [{ pointer: `${pointer}/$schema`, detail: `must be ${draft}, or left out` }];
  }
  const faults = [...keywordFaults(schema, pointer)];
  if (faults.length > 0) return faults.slice(0, 20);
  if (patternsOf(schema) > mostPatterns) {
    return [{ pointer, detail: `has more than ${mostPatterns} patterns` }];
  }
  try {
    const checks = weigh(schema, schema, [], new Map());
    return checks > mostChecks ? [{ pointer, detail: `leads to more than ${mostChecks} checks` }] : [];
  } catch (error) {
    return [{ pointer, detail: (error as Error).message }];
  }
}

/** Schemas and lists of them right within this one; keywords with a value that is neither have none. */
function* within(schema: JsonObject): Generator<[path: string[], inner: unknown]> {
  for (const [keyword, value] of Object.entries(schema)) {
    if (literal.has(keyword)) continue;
    if (!named.has(keyword)) yield [[keyword], value];
    else for (const [name, inner] of Object.entries(value ?? {})) yield [[keyword, name], inner];
  }
}

function* keywordFaults(value: unknown, pointer: string, depth = 0): Generator<ErrorDetail> {
  if (typeof value !== 'object' || value === null) return;
  if (depth > deepest) {
    yield { pointer: '/schema', detail: `is nested deeper than ${deepest} levels` };
    return;
  }
  const schema = value as JsonObject;
  for (const keyword of Object.keys(schema)) {
    if (refused.has(keyword)) yield { pointer: `${pointer}/${keyword}`, detail: 'is not supported' };
  }
  const { $ref, uniqueItems, maxItems } = schema;
  if ($ref !== undefined && !(typeof $ref === 'string' && /^#(\/|$)/.test($ref))) {
    yield { pointer: `${pointer}/$ref`, detail: 'must lead to a place of this schema, such as #/$defs/line' };
  }
  if (uniqueItems === true && !isSmall(maxItems)) {
    yield {
      pointer: `${pointer}/uniqueItems`,
      detail: `needs maxItems of at most ${mostUniqueItems} beside it`,
    };
  }
  for (const [path, inner] of within(schema)) {
    const place = path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    yield* keywordFaults(inner, pointer + place, depth + path.length);
  }
}

function patternsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const { pattern, patternProperties } = value as JsonObject;
  let sum = (typeof pattern === 'string' ? 1 : 0) + Object.keys(patternProperties ?? {}).length;
  for (const [, inner] of within(value as JsonObject)) sum += patternsOf(inner);
  return sum;
}

function isSmall(maxItems: unknown): boolean {
  return typeof maxItems === 'number' && maxItems <= mostUniqueItems;
}

/** How many schemas there are when every reference is written out. */
function weigh(root: JsonObject, value: unknown, inside: string[], known: Map<string, number>): number {
  if (typeof value !== 'object' || value === null) return 0;
  const schema = value as JsonObject;
  let sum = 1;
  if (typeof schema.$ref === 'string') sum += weighReference(schema.$ref);
  for (const [, inner] of within(schema)) sum += weigh(root, inner, inside, known);
  return sum;

  function weighReference(reference: string): number {
    const weighed = known.get(reference);
    if (weighed !== undefined) return weighed;
    if (inside.includes(reference)) throw new Error(`${reference} leads back to itself`);
    const place = target(root, reference);
    // It may stand where only names or values are: as a schema it is looked at here.
    const [fault] = keywordFaults(place, reference);
    if (fault !== undefined) throw new Error(`${fault.pointer} ${fault.detail}`);
    const weight = weigh(root, place, [...inside, reference], known);
    known.set(reference, weight);
    return weight;
  }
}

/** @throws Error when there is nothing at the place (RFC 6901 as a URI fragment). */
function target(root: JsonObject, reference: string): unknown {
  let at: unknown = root;
  for (const token of reference.split('/').slice(1)) {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) {
      throw new Error(`there is nothing at ${reference}`);
    }
    at = (at as JsonObject)[key];
  }
  return at;
}
