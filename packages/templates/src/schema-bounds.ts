import type { ErrorDetail, JsonObject } from '@tidings/contracts';

const draft = 'https://json-schema.org/draft/2020-12/schema';
/** Characters of a schema as JSON, at most. */
const longest = 64 * 1024;
/** Schemas that one value of the data may have to pass, at most, with what references lead to counted each time. */
const mostChecks = 2000;
/** Levels of a schema, at most: as many as a body may have. */
const deepest = 32;
/** `uniqueItems` compares each item with each other one. */
const mostUniqueItems = 1000;

/** Those that lead elsewhere, or whose end nobody can see from the schema alone. */
const refused = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$vocabulary'];

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
  try {
    const checks = weigh(schema, schema, [], new Map());
    return checks > mostChecks ? [{ pointer, detail: `leads to more than ${mostChecks} checks` }] : [];
  } catch (error) {
    return [{ pointer, detail: (error as Error).message }];
  }
}

function* keywordFaults(value: unknown, pointer: string, depth = 0): Generator<ErrorDetail> {
  if (typeof value !== 'object' || value === null) return;
  if (depth > deepest) {
    yield { pointer: '/schema', detail: `is nested deeper than ${deepest} levels` };
    return;
  }
  const members = value as JsonObject;
  for (const [key, inner] of Object.entries(members)) {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (refused.includes(key)) yield { pointer: place, detail: 'is not supported' };
    if (key === '$ref' && !(typeof inner === 'string' && /^#(\/|$)/.test(inner))) {
      yield { pointer: place, detail: 'must lead to a place of this schema, such as #/$defs/line' };
    }
    if (key === 'uniqueItems' && inner === true && !isSmall(members.maxItems)) {
      yield { pointer: place, detail: `needs maxItems of at most ${mostUniqueItems} beside it` };
    }
    yield* keywordFaults(inner, place, depth + 1);
  }
}

function isSmall(maxItems: unknown): boolean {
  return typeof maxItems === 'number' && maxItems <= mostUniqueItems;
}

/** How many schemas there are when every reference is written out. */
function weigh(root: JsonObject, value: unknown, inside: string[], known: Map<string, number>): number {
  if (typeof value !== 'object' || value === null) return 0;
  let sum = 1;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'const' || key === 'enum' || key === 'default' || key === 'examples') continue;
    sum +=
      key === '$ref' && typeof inner === 'string' ? weighReference(inner) : weigh(root, inner, inside, known);
  }
  return sum;

  function weighReference(reference: string): number {
    const weighed = known.get(reference);
    if (weighed !== undefined) return weighed;
    if (inside.includes(reference)) throw new Error(`${reference} leads back to itself`);
    const weight = weigh(root, target(root, reference), [...inside, reference], known);
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
