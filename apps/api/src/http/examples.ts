import { z } from 'zod';

/** The words of JSON Schema that an example is made from. */
interface Described {
  examples?: unknown[];
  const?: unknown;
  default?: unknown;
  enum?: unknown[];
  anyOf?: Described[];
  oneOf?: Described[];
  type?: string;
  format?: string;
  minimum?: number;
  properties?: Record<string, Described>;
  required?: string[];
  items?: Described;
}

/**
 * An example of what a schema describes, put together from the examples of its parts. Of an object's optional
 * fields those stand in it that have an example of their own.
 */
export function exampleOf(schema: z.ZodType, io: 'input' | 'output'): unknown {
  return exampleFrom(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Described);
}

function exampleFrom(described: Described): unknown {
  const [first] = described.examples ?? described.enum ?? [];
  if (described.examples ?? described.enum) return first;
  if ('const' in described) return described.const;
  if ('default' in described) return described.default;
  const [branch] = described.anyOf ?? described.oneOf ?? [];
  if (branch !== undefined) return exampleFrom(branch);
  switch (described.type) {
    case 'object':
      return exampleOfObject(described);
    case 'array':
      return described.items === undefined ? [] : [exampleFrom(described.items)];
    case 'string':
      return described.format === 'date-time' ? '2027-01-31T08:00:00.000Z' : 'text';
    case 'integer':
    case 'number':
      return described.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function exampleOfObject({ properties = {}, required = [] }: Described): Record<string, unknown> {
  const shown = Object.entries(properties).filter(
    ([name, property]) => required.includes(name) || property.examples !== undefined,
  );
  return Object.fromEntries(shown.map(([name, property]) => [name, exampleFrom(property)]));
}
