import type { ErrorDetail, JsonObject, VariableKind } from '@tidings/contracts';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { schemaFaults } from './schema-bounds.ts';

/** Checks data: every fault with its place under `/data`. */
export type CheckData = (data: JsonObject) => ErrorDetail[];

/** Data of more characters has only its first fault named: naming all of a million would be the harm. */
const namedInFullUpTo = 100_000;
/** Linear is the length of the pattern times that of the text: both are bounded. A longer text matches none. */
const longestPattern = 500;
const longestMatched = 10_000;
/**
 * What one check may spend on patterns: steps of their programs times characters of the texts, some ten
 * nanoseconds each.
 */
const mostMatching = 10_000_000;
/** Ajv keeps constants of all that it ever compiled: after so many schemas another begins. */
const compiledAtMost = 500;
/** Compiled schemas that are kept. */
const keptAtMost = 1000;

/** Whose data the schemas are of. */
export type SchemaOwner = 'template' | 'type of event';

/** Compiles schemas, keeping what it compiled. */
export interface Schemas {
  /** Why this is no schema that data may be checked against. `pointer` is the schema's own place. */
  faults(schema: JsonObject, pointer: string): ErrorDetail[];
  /** The check of a version, compiled once for each `id`. */
  check(id: string, schema: JsonObject): CheckData;
}

/**
 * JSON Schema (draft 2020-12) by Ajv, with bounds, since the schemas are other people's: `schema-bounds.ts` says
 * which. Patterns run on RE2's algorithm, whose time is linear in the text.
 */
export function createSchemas({ of = 'template' }: { of?: SchemaOwner } = {}): Schemas {
  const matching = { left: mostMatching };
  const quick = newCompile(() => newAjv(false, matching));
  const thorough = newCompile(() => newAjv(true, matching));
  const kept = new Map<string, CheckData>();
  const describeFault = (fault: ErrorObject) => describe(fault, of);

  /** @throws Error for a schema whose check would not answer at once. */
  function newCheck(schema: JsonObject): CheckData {
    // Almost every send asks nothing more than whether its data is good.
    const isGood = quick(schema);
    let naming: ValidateFunction | undefined;

    function faultsOf(data: JsonObject): ErrorDetail[] {
      if (isGood(data) === true) return [];
      const firstErrors = isGood.errors ?? [];
      if (JSON.stringify(data).length > namedInFullUpTo) return firstErrors.map(describeFault);
      naming ??= thorough(schema);
      naming(data);
      return inOrderOf(schema, (naming.errors ?? firstErrors).slice(0, 100).map(describeFault));
    }

    return (data) => {
      matching.left = mostMatching;
      try {
        return faultsOf(data);
      } catch (error) {
        if (!(error instanceof TooMuchMatching)) throw error;
        const pointer = `/data${placeOf(error.text, data) ?? ''}`;
        return [{ pointer, detail: 'is too long, with all else, to be matched against the patterns' }];
      }
    };
  }

  return {
    faults(schema, pointer) {
      const bounds = schemaFaults(schema, pointer);
      if (bounds.length > 0) return bounds;
      try {
        quick(schema);
        return [];
      } catch (error) {
        return [{ pointer, detail: firstLine(error) }];
      }
    },
    check(id, schema) {
      const known = kept.get(id);
      if (known !== undefined) return known;
      const check = newCheck(schema);
      if (kept.size >= keptAtMost) kept.clear();
      kept.set(id, check);
      return check;
    },
  };
}

/** A check has spent what it may on patterns. */
class TooMuchMatching extends Error {
  readonly text: string;

  constructor(text: string) {
    super('the patterns take too long');
    this.name = 'TooMuchMatching';
    this.text = text;
  }
}

/** Where a text stands, as a pointer; a body is at most 32 levels deep. */
function placeOf(text: string, value: unknown): string | undefined {
  if (value === text) return '';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const place = placeOf(text, inner);
    if (place !== undefined) return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}${place}`;
  }
  return undefined;
}

/** Faults in the order in which the schema names the variables, not in that of Ajv's keywords. */
function inOrderOf({ properties }: JsonObject, faults: ErrorDetail[]): ErrorDetail[] {
  const names = Object.keys(properties ?? {});
  const place = ({ pointer }: ErrorDetail) => {
    const at = names.indexOf(unescaped(pointer.split('/')[2] ?? ''));
    return at === -1 ? names.length : at;
  };
  return faults.toSorted((one, other) => place(one) - place(other));
}

function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function newAjv(allErrors: boolean, matching: { left: number }): Ajv2020 {
  const regExp = (pattern: string) => linearRegExp(pattern, matching);
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    validateFormats: true,
    inlineRefs: false,
    addUsedSchema: false,
    logger: false,
    code: { regExp: Object.assign(regExp, { code: 'linearRegExp' }) },
  });
  addFormats.default(ajv, {
    mode: 'fast',
    formats: ['date', 'time', 'date-time', 'duration', 'email', 'ipv4', 'ipv6', 'uuid'],
  });
  ajv.addFormat('uri', { type: 'string', validate: (text) => URL.canParse(text) });
  ajv.addFormat('http-url', { type: 'string', validate: isWebUrl });
  return ajv;
}

/** @throws Error when the schema is none, or its check would answer a promise. */
function newCompile(make: () => Ajv2020): (schema: JsonObject) => ValidateFunction {
  let ajv = make();
  let compiled = 0;
  return (schema) => {
    compiled += 1;
    if (compiled % compiledAtMost === 0) ajv = make();
    try {
      const validate = ajv.compile(schema);
      if ('$async' in validate) throw new Error('$async is not supported');
      return validate;
    } finally {
      // Forgotten at once, the function lives as long as whoever has it.
      ajv.removeSchema(schema);
    }
  };
}

/**
 * What Ajv wants of a regular expression. A pattern may match anywhere in the text. Ajv tells expressions apart by
 * their `toString`.
 */
function linearRegExp(pattern: string, matching: { left: number }) {
  if (pattern.length > longestPattern)
    throw new Error(`a pattern has more than ${longestPattern} characters`);
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  const steps = compiled.programSize();
  return {
    test: (text: string) => {
      if (text.length > longestMatched) return false;
      matching.left -= steps * text.length;
      if (matching.left < 0) throw new TooMuchMatching(text);
      return compiled.matcher(text).find();
    },
    toString: () => pattern,
  };
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function describe({ keyword, instancePath, params, message }: ErrorObject, of: SchemaOwner): ErrorDetail {
  const pointer = `/data${instancePath}`;
  const inside = (name: unknown) => `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (keyword === 'required') {
    return { pointer: inside(params.missingProperty), detail: `is required by the ${of}` };
  }
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name = params.additionalProperty ?? params.unevaluatedProperty;
    return {
      pointer: inside(name),
      detail: `is not a ${of === 'template' ? 'variable' : 'field'} of the ${of}`,
    };
  }
  if (keyword === 'format' && params.format === 'http-url') {
    return { pointer, detail: 'must be an absolute http or https URL' };
  }
  if (keyword === 'minLength' && params.limit === 1) {
    return { pointer, detail: 'must not be empty' };
  }
  if (keyword === 'enum') {
    return { pointer, detail: `must be one of ${JSON.stringify(params.allowedValues)}` };
  }
  return { pointer, detail: message ?? 'does not fit the schema' };
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

/** The schema that says what the kinds of variables of an old version said. */
export function schemaFromVariables(variables: Record<string, VariableKind>): JsonObject {
  const names = Object.keys(variables);
  if (names.length === 0) return {};
  const properties = names.map((name) => [
    name,
    variables[name] === 'url' ? { type: 'string', format: 'http-url' } : { type: 'string', minLength: 1 },
  ]);
  return { type: 'object', required: names, properties: Object.fromEntries(properties) };
}
